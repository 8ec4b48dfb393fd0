// How long work tells the world how far it is. The same calls drive a terminal's progress line and
// a job folder's events and state.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "core/base/pause.h" // checkCancelled(): who reports progress can be called off

namespace caldera {

/// Receives progress; implementations are thread-safe.
class Progress {
public:
    virtual ~Progress() = default;
    virtual void stage(const std::string& name) = 0;
    /// `done` of `total` units of the current stage; eta is worked out by the receiver.
    virtual void advance(int64_t done, int64_t total) = 0;
    /// A free event of the kinds in core/job/event.h ("cell", "metric", "artifact", "log").
    virtual void event(const std::string& kind, nlohmann::json fields) = 0;
    void log(const std::string& sentence) { event("log", {{"message", sentence}}); }
};

/// Does nothing; for tests and small calls.
Progress& noProgress();

/// Remaining seconds from a steady rate since the first call (resumed units do not count as done
/// work); negative while unknown.
class EtaClock {
public:
    double update(int64_t done, int64_t total);

private:
    std::chrono::steady_clock::time_point start_{};
    int64_t first_ = -1;
};

} // namespace caldera
