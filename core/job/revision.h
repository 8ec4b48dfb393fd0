// Another plan for a job that is not over: plan.yaml in its folder, which comes before the plan of
// its command line (docs/formats/job.md).
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "core/job/job_folder.h"

namespace caldera {

/// Where a job's revised plan lies; need not exist.
std::filesystem::path revisedPlanFile(const JobFolder& folder);

/// The text of the revised plan; nothing when the job was never revised.
std::optional<std::string> revisedPlan(const JobFolder& folder);

/// Gives a job, and its parts, another plan; a worker that is at it takes it up at its next step.
/// Throws Error("job.revise-kind") for a job that follows no plan and Error("job.revise-over") for
/// one that has ended well or was merged already.
void revisePlan(const JobFolder& folder, const std::string& yaml);

/// Looks five times a second whether a job's plan has become another one.
class PlanWatch {
public:
    /// `plan` is the text at work; nothing: that of the command line. `outer` stops too.
    PlanWatch(const JobFolder& folder, std::optional<std::string> plan,
              const std::stop_token& outer);

    /// Requested when `outer` is, and when the plan has changed.
    std::stop_token token() const { return source_.get_token(); }
    /// Looks again, now.
    bool hasChanged() const;

private:
    void look(const std::stop_token& ended);

    JobFolder folder_;
    std::optional<std::string> plan_;
    std::stop_source source_;
    std::stop_callback<std::function<void()>> outer_;
    std::jthread thread_;
};

} // namespace caldera
