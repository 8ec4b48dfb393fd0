// Plan files as commands meet them: what a person should know about a file is said on stderr.
#pragma once

#include <filesystem>

#include "core/plan/plan.h"

namespace caldera::cli {

/// Text of a plan as a terminal may show it.
std::string shown(const std::string& text);

/// loadPlan(); says what of a foreign file was not taken over.
Plan readPlanFile(const std::filesystem::path& path);
/// fitForeignPlan() of what readPlanFile() read from `path`; says what it adapted.
Plan planFor(const ModelConfig& config, Plan plan, const std::filesystem::path& path);

/// savePlan(); says that the plan it writes over had comments. Throws Error("plan.not-a-plan")
/// where something else stands at `path` than an empty file or a plan: a word in the wrong place
/// must not cost a model or measurements.
void writePlanFile(const Plan& plan, const std::filesystem::path& path);

} // namespace caldera::cli
