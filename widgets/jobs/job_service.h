// Starts workers, follows every job folder, and tells what changed; no widgets.
#pragma once

#include <QDateTime>
#include <QHash>
#include <QJsonObject>
#include <QList>
#include <QMap>
#include <QObject>
#include <QString>
#include <QStringList>
#include <QThread>

#include "widgets/jobs/job_history.h"
#include "widgets/remote/login_prompts.h"
#include "widgets/remote/pod_desk.h"
#include "widgets/remote/target.h"

namespace caldera::studio {

class JobWatcher;

/// Where one job stands; a value.
struct JobSummary {
    QString id;
    QString kind;
    QString title;
    QStringList arguments; ///< of the worker, without --job
    QDateTime created;
    QString folder;
    QString outFolder;    ///< folder/out
    QString host;         ///< name of the target; empty: this machine
    QString hostFolder;   ///< the job's folder there; empty until it is known
    QString model;        ///< of a job elsewhere: the model's path here
    bool isOnPod = false; ///< it runs on a rented pod
    /// queued preparing running paused fetching done cancelled failed lost, and connecting while
    /// it is not known yet what became of it on its host
    QString phase;
    QString stage;
    double fraction = 0;       ///< 0 .. 1
    double etaSeconds = -1;    ///< negative: unknown
    QString message;           ///< the sentence of a failure
    QString code;              ///< its error code
    QDateTime retryAt;         ///< of a lost one: when its host is tried next; else invalid
    bool isCancelling = false; ///< a cancel was asked for that the worker has not obeyed yet

    /// Whether a worker is at it, or about to be.
    bool active() const;
    /// Whether it is lost to us while its worker may be at it on another machine.
    bool mayRunThere() const;
    /// Also of one whose host does not answer now: it is told when it does.
    bool canBeCancelled() const;
    /// Whether a request to pause reaches a worker that has steps; perhaps only once it is at work.
    bool canPause() const;
    /// It waits, or ended without success.
    bool canBeResumed() const;
    /// Whether what it made can be used on the machine where it was made.
    bool hasModelThere() const;
    bool operator==(const JobSummary&) const = default;
};

/// The file of a job's folder that says what its plan promises of each cell.
inline constexpr QLatin1StringView kExpectedName("expected.json");

/// A job that is to be started.
struct JobRequest {
    QString kind;
    QString title;
    QStringList arguments; ///< of the worker; "{job}" stands for the job's folder where it runs
    Target target;         ///< where it runs
    QString model;         ///< for a job elsewhere: the model's path here
    QMap<QString, QByteArray> files; ///< that are put into the folder, by name
};

/// Owner of the studio's view on jobs. Files are read and processes started on a thread of its own;
/// only values come back, so no call blocks. A worker runs in its own process session and outlives
/// the service; a service made later on the same folder finds it and misses no event.
class JobService : public QObject {
    Q_OBJECT
public:
    /// `root` holds the job folders (jobsFolder() in the studio). `worker` is the path of the
    /// `caldera` program; empty: see findWorker().
    explicit JobService(QString root, QString worker = {}, QObject* parent = nullptr);
    ~JobService() override;

    /// Creates a job folder and starts `caldera <arguments> --job FOLDER`. Returns the id at once;
    /// a worker that cannot be started makes a failed job with a sentence.
    QString start(const QString& kind, const QString& title, const QStringList& arguments);
    /// The same for any target. A job elsewhere is followed by this service, and found again by
    /// the next one.
    QString start(const JobRequest& request);
    /// Asks the worker to stop; it keeps what is finished.
    void cancel(const QString& id);
    /// Lets the worker wait at its next step.
    void pause(const QString& id);
    /// Lets a paused worker go on, starts a worker again in the folder of a job that ended without
    /// success, and tries at once to reach the host of one that is lost.
    void resume(const QString& id);
    /// Gives a compression that is not over another plan, and what that promises of its cells (the
    /// text of expected.json; empty: as before). Wherever it runs, what is finished and stays as it
    /// was is kept.
    void revise(const QString& id, const QByteArray& plan, const QByteArray& expected);
    /// Moves the folder of an ended job to the desktop's wastebasket and drops it from the list.
    void remove(const QString& id);

    /// All jobs, newest first.
    QList<JobSummary> jobs() const;
    /// The jobs at work, newest first (for the status line).
    QList<JobSummary> running() const;
    /// Empty id when there is no such job.
    JobSummary job(const QString& id) const;
    /// What the job has told; empty when there is no such job.
    const JobHistory& history(const QString& id) const;
    /// Whether all jobs that were there at the start have been reported.
    bool ready() const { return ready_; }
    /// Where logins to hosts ask for passphrases.
    LoginPrompts& logins() { return logins_; }
    /// Where jobs on rented pods hear of their pods.
    PodDesk& pods() { return pods_; }
    /// The machines as a person has confirmed them. A job whose host showed another key than the
    /// one that it knows goes on as soon as that key is confirmed.
    void useTargets(const QList<Target>& targets);
    /// The folder under which a job of this id lives.
    QString folderOf(const QString& id) const;

    /// $CALDERA_WORKER, else `caldera` beside this program, else ../cli/caldera, else on PATH;
    /// empty when there is none. Looks at the disk: called from the service's own thread.
    static QString findWorker();

Q_SIGNALS:
    /// The folders that were there at the start have all been reported.
    void becameReady();
    void jobAdded(const QString& id);
    void jobChanged(const QString& id);
    /// Each event exactly once, in the order of its numbers.
    void jobEvent(const QString& id, const QJsonObject& event);
    void jobRemoved(const QString& id);
    /// A job elsewhere that serves is reached at this port of the loopback; again after each new
    /// connection.
    void serverReached(const QString& id, int port, const QByteArray& token);
    /// A job is about to be resumed.
    void resuming(const QString& id);
    /// A request about this job failed without changing the job itself.
    void requestFailed(const QString& id, const QString& sentence);

private:
    struct Entry {
        JobSummary summary;
        JobHistory history;
    };
    void takeSummary(const JobSummary& summary);
    void takeEvents(const QString& id, const QList<QJsonObject>& events);
    void takeExpected(const QString& id, const std::map<Cell, ExpectedError>& expected);
    void takeRemoval(const QString& id);

    QString root_;
    LoginPrompts logins_;
    PodDesk pods_;
    QThread thread_;
    JobWatcher* watcher_ = nullptr; ///< lives on thread_, which deletes it
    QHash<QString, Entry> jobs_;
    bool ready_ = false;
};

} // namespace caldera::studio

Q_DECLARE_METATYPE(caldera::studio::JobSummary)
