// caldera job revise: another plan for a compression that is not over.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "app/cli/command.h"
#include "core/job/job_folder.h"

namespace caldera::cli {

/// A plan that was given to a job.
struct Revision {
    JobFolder folder;
    std::string planHash; ///< of its text
    int cells = 0;        ///< that the plan compresses
    int changed = 0;      ///< of them, those that the plan before made otherwise or not at all
    EventReader events;   ///< from the moment before it was given
};

/// Throws Error("plan.*") unless the plan suits the job's model, and as revisePlan().
Revision reviseJob(const JobFolder& folder, const std::filesystem::path& plan);

/// Returns when the worker has taken it up, waits itself for a pause to end, or is not there.
/// Throws Error("job.revise-late") when the job was done before it did.
void awaitRevision(const Revision& revision, const std::stop_token& stop);

void printRevision(const Revision& revision, const Invocation& invocation);

} // namespace caldera::cli
