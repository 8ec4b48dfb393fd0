// Finished cells come home while the job goes on, on a thread of their own.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include <QString>

namespace caldera::studio {

class SshSession;

/// One rsync at a time. What fails is tried again with the next cell; the results at the end do
/// not depend on it.
class CellFetch {
public:
    /// `session` must outlive it.
    CellFetch(const SshSession& session, QString there, std::filesystem::path here);
    ~CellFetch();
    CellFetch(const CellFetch&) = delete;
    CellFetch& operator=(const CellFetch&) = delete;

    /// A cell has landed there.
    void request();

private:
    void work(const std::stop_token& stop);

    const SshSession& session_;
    QString there_;
    std::filesystem::path here_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    bool requested_ = false;
    std::jthread thread_;
};

} // namespace caldera::studio
