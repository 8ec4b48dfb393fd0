// Plan files as commands meet them: what a person should know about a file is said on stderr.
#pragma once

#include <filesystem>

#include "core/plan/plan.h"

namespace caldera::cli {

/// loadPlan(); says what of a foreign file was not taken over.
Plan readPlanFile(const std::filesystem::path& path);

/// Says that the plan which stands at `path` has comments, before another is written over it.
void warnOfLostComments(const std::filesystem::path& path);

} // namespace caldera::cli
