// Turns SIGINT, SIGTERM and a job's control file into a stop token.
#pragma once

#include <chrono>
#include <csignal>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace caldera::cli {

/// One at a time. A second signal ends the process at once (exit code 130).
class StopSignals {
public:
    /// `alsoStop` is asked five times a second; it may be empty.
    explicit StopSignals(std::function<bool()> alsoStop);
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    std::stop_token token() const { return source_.get_token(); }

    /// From now on SIGINT calls this first, on a thread of its own; true means that it was dealt
    /// with. An empty function gives SIGINT back.
    void interceptInterrupt(std::function<bool()> handler);

private:
    void watch(const std::stop_token& ended, const std::function<bool()>& alsoStop);

    bool isIntercepted();
    /// What takes longer than a second after a stop was requested is excused once, on stderr.
    void sayWhenSlow();

    std::mutex mutex_;
    std::function<bool()> interrupted_;
    std::stop_source source_;
    std::chrono::steady_clock::time_point asked_; ///< when the stop was requested
    bool isSaid_ = false;
    struct sigaction oldInterrupt_ {};
    struct sigaction oldTerminate_ {};
    std::jthread thread_;
};

} // namespace caldera::cli
