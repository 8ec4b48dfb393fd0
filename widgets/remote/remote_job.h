// One job on another machine, from the first login to the last verified file.
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stop_token>

#include <QElapsedTimer>
#include <QString>

#include "core/job/follow.h"
#include "core/job/job_folder.h"
#include "widgets/remote/askpass.h"
#include "widgets/remote/remote_launch.h"
#include "widgets/remote/remote_record.h"
#include "widgets/remote/remote_revision.h"
#include "widgets/remote/sent_script.h"
#include "widgets/remote/serve_tunnel.h"

class QProcess;

namespace caldera::studio {

class CellFetch;
class PodDesk;
class PodHost;
class SshSession;

/// Keeps a job folder of this machine like the one on the host: events, state, finished cells, at
/// last the results. Whoever shows local jobs shows this one too. Holds the folder's lock while it
/// runs, so a second studio leaves it alone, and the job counts as lost when nobody follows it.
class RemoteJob {
public:
    enum class Begin {
        Follow, ///< what was started earlier; started now if it never was
        Restart ///< a worker is started again if none is at work
    };

    using Reached = ServeTunnel::Reached;

    /// `ask` answers what the login asks; empty: only keys and the agent are used. `desk`, which
    /// must outlive the job, has the pods of jobs on rented ones.
    RemoteJob(const std::filesystem::path& folder, AskPerson ask, PodDesk& desk,
              Reached reached = {});
    ~RemoteJob();

    /// Returns when the job is over, or on `stop`; the job then goes on without us. Reconnects as
    /// long as it takes. Never throws.
    void run(Begin begin, const std::stop_token& stop);
    /// Ends a wait for the next attempt to connect.
    void retryNow();
    /// Lets the worker there go on, whoever paused it. From any thread.
    void letGoOn() { isReleased_ = true; }
    /// Whether the first attempt to log in is not over yet: nobody knows how the job stands. From
    /// any thread.
    bool isConnecting() const { return isConnecting_; }

private:
    void follow(const std::stop_token& stop);
    void connect(const std::stop_token& stop);
    void begin(const std::stop_token& stop);
    void beginOnPod(const std::stop_token& stop);
    void prepare(const std::stop_token& stop);
    void installWorker(const std::stop_token& stop);
    void fetchModels(const QString& cache, const std::stop_token& stop);
    void launch(const std::stop_token& stop);
    void stream(const std::stop_token& stop);
    void readStream(QProcess& process, const std::stop_token& stop);
    void take(const FollowFrame& frame);
    QStringList argumentsThere() const;
    void askScheduler(const std::stop_token& stop);
    void forwardControl(const std::stop_token& stop);
    void finish(const std::stop_token& stop);
    void fetchResults(const std::stop_token& stop);
    void requireWhole() const;
    void attend(const std::stop_token& stop);
    void tellStage(const char* stage, double fraction = 0, double etaSeconds = -1);
    void tellSending(double share);
    void tell(const std::string& phase, const std::string& message, const std::string& code = {},
              double etaSeconds = -1);
    void tellEnd(const std::string& phase, const std::string& message,
                 const std::string& code = {});
    void tellCalledOff();
    void tellError(const Error& error);
    void waitToRetry(int attempt, const std::string& why, const std::stop_token& stop);
    std::string host() const;
    RemotePlace place() const;
    HostSetUp setUp(const std::stop_token& stop) const;

    JobFolder folder_;
    RemoteRecord record_;
    AskPerson ask_;
    PodDesk& desk_;
    ServeTunnel tunnel_;
    std::unique_ptr<PodHost> pod_; ///< of a job on a rented pod
    QString worker_;               ///< command there, quoted
    std::unique_ptr<SshSession> session_;
    std::unique_ptr<CellFetch> cells_;
    Begin begin_ = Begin::Follow; ///< what is still to do of it
    JobState state_;              ///< the last that the host told
    bool ended_ = false;
    QElapsedTimer asked_; ///< the scheduler
    RemoteRevision revision_{folder_, record_};
    int missed_ = 0;        ///< how often in a row it did not know the job
    std::string forwarded_; ///< the word of `control` that the host has
    std::mutex mutex_;
    std::condition_variable_any woken_;
    bool retryNow_ = false;
    std::atomic<bool> isReleased_ = false;
    std::atomic<bool> isConnecting_ = true;
    bool hasLoggedIn_ = false; ///< in this attempt
};

} // namespace caldera::studio
