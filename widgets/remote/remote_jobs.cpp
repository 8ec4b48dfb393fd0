#include "widgets/remote/remote_jobs.h"

#include <atomic>

namespace caldera::studio {

struct RemoteJobs::Entry {
    Entry(const std::filesystem::path& folder, AskPerson ask, PodDesk& desk,
          RemoteJob::Reached reached, RemoteJob::Begin begin)
        : job(folder, std::move(ask), desk, std::move(reached)),
          thread([this, begin](const std::stop_token& stop) {
              job.run(begin, stop);
              over = true;
          }) {}

    RemoteJob job;
    std::atomic<bool> over = false;
    std::jthread thread;
};

RemoteJobs::RemoteJobs(Ask ask, PodDesk& desk, Reached reached)
    : ask_(std::move(ask)), desk_(desk), reached_(std::move(reached)) {}

RemoteJobs::~RemoteJobs() {
    for (const auto& [id, entry] : jobs_) {
        entry->thread.request_stop(); // all at once, then each is waited for
    }
}

void RemoteJobs::follow(const std::filesystem::path& folder, RemoteJob::Begin begin) {
    const QString id = QString::fromStdString(folder.filename().string());
    if (isFollowing(id)) {
        jobs_.at(id)->job.retryNow();
        return;
    }
    AskPerson ask;
    if (ask_) {
        ask = [this, id](const QString& question) { return ask_(id, question); };
    }
    RemoteJob::Reached reached;
    if (reached_) {
        reached = [this, id](int port, const QByteArray& token) { reached_(id, port, token); };
    }
    jobs_.erase(id);
    jobs_.emplace(
        id, std::make_unique<Entry>(folder, std::move(ask), desk_, std::move(reached), begin));
}

void RemoteJobs::letGoOn(const QString& id) {
    if (isFollowing(id)) {
        jobs_.at(id)->job.letGoOn();
    }
}

void RemoteJobs::forget(const QString& id) {
    jobs_.erase(id);
}

bool RemoteJobs::isConnecting(const QString& id) const {
    return isFollowing(id) && jobs_.at(id)->job.isConnecting();
}

bool RemoteJobs::isFollowing(const QString& id) const {
    const auto found = jobs_.find(id);
    return found != jobs_.end() && !found->second->over;
}

} // namespace caldera::studio
