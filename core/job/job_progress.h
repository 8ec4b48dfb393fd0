// Progress of a worker in a job folder: events for whoever tails, state.json for whoever looks.
#pragma once

#include <chrono>
#include <mutex>
#include <stop_token>
#include <string>

#include "core/job/job_folder.h"
#include "core/job/progress.h"

namespace caldera {

/// Writes "stage" and "progress" events and state.json, the last two at most five times a second.
/// Both must outlive it. `fraction` and `eta` are those of the current stage. While the control
/// file asks for a pause, stage() and advance() do not return, unless `stop` is requested.
class JobProgress final : public Progress {
public:
    JobProgress(const JobFolder& folder, EventWriter& events, std::stop_token stop = {});

    void stage(const std::string& name) override;
    void advance(int64_t done, int64_t total) override;
    void event(const std::string& kind, nlohmann::json fields) override;

    /// Writes the last state, then the "end" event: who sees the event finds the state.
    void end(const std::string& phase, const std::string& message, const std::string& code);

private:
    bool due();
    void waitWhilePaused();

    const JobFolder& folder_;
    EventWriter& events_;
    std::stop_token stop_;
    std::mutex mutex_;
    JobState state_;
    EtaClock eta_;
    std::chrono::steady_clock::time_point written_{};
};

} // namespace caldera
