// A network between two ports of the loopback that fails on demand.
#pragma once

#include <atomic>
#include <list>
#include <mutex>
#include <thread>

namespace caldera::studio {

/// Every connection to port() is passed on to `target`.
class FaultyProxy {
public:
    explicit FaultyProxy(int target);
    ~FaultyProxy();
    FaultyProxy(const FaultyProxy&) = delete;
    FaultyProxy& operator=(const FaultyProxy&) = delete;

    int port() const { return port_; }
    /// Ends every connection.
    void drop() { ++drops_; }
    /// While on, bytes wait; connections stay open.
    void stall(bool on) { stalled_ = on; }
    /// Turns one bit of the next piece that passes.
    void corrupt() { corrupt_ = true; }

private:
    void accept(const std::stop_token& stop);
    void pass(const std::stop_token& stop, int client);
    bool copy(int from, int to);

    int target_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<int> drops_ = 0;
    std::atomic<bool> stalled_ = false;
    std::atomic<bool> corrupt_ = false;
    std::list<std::jthread> connections_;
    std::jthread thread_;
};

} // namespace caldera::studio
