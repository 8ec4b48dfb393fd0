// All jobs on other machines that this studio follows, each on a thread of its own.
#pragma once

#include <map>
#include <memory>
#include <thread>

#include <QString>

#include "widgets/remote/remote_job.h"

namespace caldera::studio {

/// Used by one thread. Its destructor lets every job go on without us.
class RemoteJobs {
public:
    /// `ask` is called on the threads of the jobs: which job asks, and what.
    using Ask = std::function<std::optional<QString>(const QString& id, const QString& question)>;
    /// Called on the threads of the jobs: a job that serves is reached at this port of ours.
    using Reached = std::function<void(const QString& id, int port, const QByteArray& token)>;
    /// `desk` must outlive it.
    RemoteJobs(Ask ask, PodDesk& desk, Reached reached = {});
    ~RemoteJobs();
    RemoteJobs(const RemoteJobs&) = delete;
    RemoteJobs& operator=(const RemoteJobs&) = delete;

    /// Follows the job in this folder; one that is followed already tries to connect at once.
    void follow(const std::filesystem::path& folder, RemoteJob::Begin begin);
    bool isFollowing(const QString& id) const;
    /// Whether it is followed, and how it stands is not known yet.
    bool isConnecting(const QString& id) const;
    /// Lets its worker go on, also where a terminal there paused it.
    void letGoOn(const QString& id);
    /// Follows it no longer; on its host it goes on.
    void forget(const QString& id);

private:
    struct Entry;

    Ask ask_;
    PodDesk& desk_;
    Reached reached_;
    std::map<QString, std::unique_ptr<Entry>> jobs_;
};

} // namespace caldera::studio
