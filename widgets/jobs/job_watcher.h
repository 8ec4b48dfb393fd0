// The part of the job service that touches files and processes; lives on the service's thread.
#pragma once

#include <memory>

#include <QElapsedTimer>
#include <QHash>
#include <QJsonObject>
#include <QObject>
#include <QStringList>

#include "widgets/jobs/job_service.h"

class QTimer;

namespace caldera::studio {

class RemoteJobs;

/// Follows the folders under `root` and starts workers, here and on other machines. Every slot runs
/// on the service's thread.
class JobWatcher : public QObject {
    Q_OBJECT
public:
    /// `logins` and `pods` must outlive it.
    JobWatcher(QString root, QString worker, LoginPrompts& logins, PodDesk& pods);
    ~JobWatcher() override;

    /// First look at the folder, then one look every kPollInterval.
    void begin();
    void stop();
    void launch(const JobSummary& job, const JobRequest& request);
    void cancel(const QString& id);
    void pause(const QString& id);
    void resume(const QString& id);
    void revise(const QString& id, const QByteArray& plan, const QByteArray& expected);
    void useTargets(const QList<Target>& targets);
    void remove(const QString& id);

Q_SIGNALS:
    void summaryRead(const JobSummary& summary);
    void eventsRead(const QString& id, const QList<QJsonObject>& events);
    /// What the job's plan promises of its cells; comes before its events, again when it changes.
    void expectedRead(const QString& id, const std::map<Cell, ExpectedError>& expected);
    void listed();
    void removed(const QString& id);
    void serverReached(const QString& id, int port, const QByteArray& token);
    void requestFailed(const QString& id, const QString& sentence);

private:
    struct Tracked;

    void poll();
    void discover();
    void look(Tracked& job);
    void followHost(const Tracked& job);
    void goOnWithNewLogin(const Tracked& job);
    void fill(Tracked& job, const JobRequest& request);
    void forwardExpected(Tracked& job);
    void forwardEvents(Tracked& job);
    void settleUnstarted(Tracked& job, JobSummary& now);
    void startWorker(Tracked& job);
    void fail(Tracked& job, const QString& code, const QString& sentence);
    Tracked* find(const QString& id);

    QString root_;
    QString worker_;
    LoginPrompts& logins_;
    PodDesk& pods_;
    std::unique_ptr<RemoteJobs> remote_;
    QTimer* timer_ = nullptr;
    qint64 ticks_ = 0;
    QList<Target> targets_; ///< as confirmed
    QHash<QString, std::shared_ptr<Tracked>> jobs_;
};

} // namespace caldera::studio
