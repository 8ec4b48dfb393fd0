// Requests wait for the one engine in the order they came.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>

namespace caldera {

/// First come, first served; whoever gives up waiting is skipped.
class RequestQueue {
public:
    /// The engine is its holder's alone while this lives.
    class Turn {
    public:
        explicit Turn(RequestQueue& queue) : queue_(queue) {}
        ~Turn() { queue_.leave(); }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        RequestQueue& queue_;
    };

    /// Waits until all who came before are done; nullptr when `cancel` was requested first.
    std::unique_ptr<Turn> enter(const std::stop_token& cancel);
    int length() const; ///< waiting or being served

private:
    void leave();

    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<uint64_t> tickets_; ///< the first is being served
    uint64_t nextTicket_ = 0;
};

} // namespace caldera
