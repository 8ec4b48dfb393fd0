// A job whose parts are jobs of their own: FOLDER/shards/N.job, started by a scheduler.
#pragma once

#include <vector>

#include "core/job/job_folder.h"

namespace caldera {

/// The folders of the parts, in their order; empty for a job that is done in one piece.
std::vector<JobFolder> shardJobs(const JobFolder& folder);

/// The job's own state once its own worker has begun, which joins the parts; before that what the
/// parts do: running from the first to the last, failed or cancelled as soon as one is.
JobState gatheredState(const JobFolder& folder);

} // namespace caldera
