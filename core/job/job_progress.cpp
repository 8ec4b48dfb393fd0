#include "core/job/job_progress.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace caldera {

namespace {
constexpr auto kInterval = std::chrono::milliseconds(200);
} // namespace

JobProgress::JobProgress(const JobFolder& folder, EventWriter& events, std::stop_token stop)
    : folder_(folder), events_(events), stop_(std::move(stop)) {
    state_.phase = "preparing";
    folder_.writeState(state_);
}

void JobProgress::stage(const std::string& name) {
    const std::scoped_lock guard(mutex_);
    state_.phase = "running";
    state_.stage = name;
    state_.fraction = 0;
    state_.etaSeconds = -1;
    eta_ = EtaClock();
    events_.write("stage", {{"stage", name}});
    folder_.writeState(state_);
    waitWhilePaused();
}

void JobProgress::advance(int64_t done, int64_t total) {
    const std::scoped_lock guard(mutex_);
    state_.etaSeconds = eta_.update(done, total);
    state_.fraction =
        total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0)
                  : 0.0;
    if (!due() && done < total) {
        return;
    }
    events_.write("progress", {{"stage", state_.stage},
                               {"done", done},
                               {"total", total},
                               {"eta_seconds", state_.etaSeconds}});
    folder_.writeState(state_);
    waitWhilePaused();
}

void JobProgress::event(const std::string& kind, nlohmann::json fields) {
    events_.write(kind, std::move(fields));
}

void JobProgress::end(const std::string& phase, const std::string& message,
                      const std::string& code) {
    const std::scoped_lock guard(mutex_);
    state_.phase = phase;
    state_.message = message;
    state_.code = code;
    state_.etaSeconds = -1;
    if (phase == "done") {
        state_.fraction = 1;
    }
    folder_.writeState(state_);
    events_.write("end", {{"phase", phase}, {"message", message}, {"code", code}});
}

/// Whoever else tells progress waits at the mutex.
void JobProgress::waitWhilePaused() {
    if (!folder_.pauseRequested()) {
        return;
    }
    const std::string before = std::exchange(state_.phase, "paused");
    state_.etaSeconds = -1;
    folder_.writeState(state_);
    events_.write("log", {{"message", "Paused."}, {"paused", true}});
    while (!stop_.stop_requested() && folder_.pauseRequested()) {
        std::this_thread::sleep_for(kInterval);
    }
    state_.phase = before;
    eta_ = EtaClock(); // the wait is no work
    folder_.writeState(state_);
    if (!stop_.stop_requested()) {
        events_.write("log", {{"message", "Going on."}});
    }
}

bool JobProgress::due() {
    const auto now = std::chrono::steady_clock::now();
    if (now - written_ < kInterval) {
        return false;
    }
    written_ = now;
    return true;
}

} // namespace caldera
