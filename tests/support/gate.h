// A place where one thread waits until another lets it go on.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace caldera::test {

class Gate {
public:
    void close() {
        const std::lock_guard lock(mutex_);
        isClosed_ = true;
    }
    void open() {
        const std::lock_guard lock(mutex_);
        isClosed_ = false;
        changed_.notify_all();
    }
    /// Waits while the gate is closed.
    void pass() {
        std::unique_lock lock(mutex_);
        ++arrived_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return !isClosed_; });
    }
    /// Waits until `count` came to the gate; false when they have not for ten seconds.
    bool waitForArrivals(int count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return arrived_ >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool isClosed_ = false;
    int arrived_ = 0;
};

} // namespace caldera::test
