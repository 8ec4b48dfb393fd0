// Configurations of qwen2-caldera-max, said as plans of this program.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/plan/plan.h"

namespace caldera {

/// Such a file as it was read: its common keys, and what plans say otherwise.
struct ForeignPlan {
    Plan plan;
    bool namesRightBits = false;    ///< by `br`, of all cells
    std::optional<int64_t> samples; ///< of calibration, each of a sequence's length
    /// Ends of the names that are compressed; absent: every cell is.
    std::optional<std::vector<std::string>> targetModules;
};

/// A plan that means the same here, in what this program supports: `br` follows `bl`, ranks and
/// bits become the nearest ones that exist, patterns beat exact names, modules without a target are
/// skipped. Plan::adaptedValues says which values changed.
Plan adoptPlan(ForeignPlan foreign);

/// Such a plan for a model: ranks that its matrices cannot have become the largest that they can,
/// and Plan::adaptedValues says so. Plans of this program stay as they are.
Plan fitForeignPlan(Plan plan, const ModelConfig& config);

} // namespace caldera
