// Jobs on rented pods: rents for a job, hands the pod over, ends it when the job is over.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include <QHash>
#include <QObject>
#include <QSet>
#include <QTimer>
#include <QUrl>

#include "widgets/jobs/job_service.h"
#include "widgets/remote/pod_access.h"
#include "widgets/remote/pod_quote.h"
#include "widgets/remote/pod_service.h"

namespace caldera::studio {

/// What a person decided about the pod of one job.
struct PodOrder {
    PodRequest request; ///< without name and key, which belong to the job
    double cap = 0;     ///< US dollars for the job, over all its pods
    double idleMinutes = 15;
    PodWork work;
    /// US dollars, of the pod that `work` is for; the costliest that may be rented. 0: not known,
    /// so the most that is paid counts.
    double hourlyPrice = 0;
};

/// What a job on a pod costs; a value.
struct PodCost {
    PodPhase phase = PodPhase::Returned;
    QString gpu;
    double spent = 0;   ///< US dollars
    double cap = 0;     ///< US dollars
    double hourly = 0;  ///< US dollars, now
    double monthly = 0; ///< US dollars of the volume, which outlives the pod
    QString problem;    ///< what hinders it; empty: nothing
};

/// Lives on the window's thread. One job has at most one pod: its name is made from the job's id. A
/// job that is over has none: what it has done is verified here, or on the volume.
class PodJobs : public QObject {
    Q_OBJECT
public:
    /// Calls `then` as soon as pods can be rented, or `failed`.
    using WithProvider =
        std::function<void(std::function<void()> then, std::function<void(const Error&)> failed)>;
    /// What holds today for a job that is resumed: limits and GPUs may have changed.
    using Renew = std::function<PodRecord(PodRecord)>;

    /// `jobs` and `pods` must outlive it. `keys`: folder of the keys for logins.
    PodJobs(JobService& jobs, PodService& pods, QString keys, WithProvider withProvider,
            Renew renew, QObject* parent = nullptr);

    /// Where workers come from, and what watchdogs are told; for pods that are reached from now on.
    void setBundle(const WorkerBundle& bundle) { bundle_ = bundle; }
    void setWatch(const PodWatch& watch) { watch_ = watch; }
    /// All records of this machine, also of pods that are over. Jobs whose pod nobody knows end.
    void takeRecords(const QList<PodRecord>& records);

    /// Rents a pod for the job, which begins when it can be reached. Returns the job's id. Throws
    /// as checkPodJob().
    QString start(JobRequest request, const PodOrder& order);
    /// What a pod like the one that the job `like` has or had would be today. Throws
    /// Error("pod.unknown").
    PodOrder orderLike(const QString& like) const;
    /// Rents one.
    QString startLike(const QString& like, const JobRequest& request);
    /// Somebody uses what is served at this address of ours: the job's pod is not idle.
    void noteUse(const QUrl& server);
    /// How long a resumed job waits for its last pod to end.
    void setEndingPatience(std::chrono::milliseconds patience) { endingPatience_ = patience; }

    /// Nothing for a job that never had a pod.
    std::optional<PodCost> cost(const QString& job) const;

Q_SIGNALS:
    void costChanged(const QString& job);

private:
    void order(const QString& job, PodRecord record);
    void rentAgain(const QString& job);
    void awaitEnd(const QString& job);
    bool endWait(const QString& job);
    void giveUpEnding(const QString& job);
    void takeChange(PodRental& rental);
    void takeProgress(const QString& job);
    void follow(PodRental& rental);
    void open(const PodRecord& record, const SshEndpoint& endpoint);
    void settle(const QString& job);
    void noteActivity(const QString& job);
    void close(const QString& job, const Error& error);
    std::optional<PodRecord> recordOf(const QString& job) const;
    QString keyFile(const QString& job) const;

    JobService& jobs_;
    PodService& pods_;
    QString keys_;
    WithProvider withProvider_;
    Renew renew_;
    WorkerBundle bundle_;
    PodWatch watch_;
    QHash<QString, PodRecord> records_; ///< by job: as they were read, or known since
    bool hasRecords_ = false;
    /// Jobs that were resumed while their last pod was still ending, and the end of their patience.
    QHash<QString, QTimer*> waiting_;
    std::chrono::milliseconds endingPatience_{std::chrono::minutes(10)};
    QHash<int, QString> served_; ///< which job is reached at a port of ours
    bool isStarting_ = false;
    QSet<QString> ordered_; ///< jobs whose pod is asked for and has no rental yet
};

} // namespace caldera::studio
