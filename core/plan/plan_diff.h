// What differs between two plans, key by key.
#pragma once

#include <string>
#include <vector>

#include "core/plan/plan.h"

namespace caldera {

/// Values as the file writes them; empty where a plan lacks the key.
struct PlanDifference {
    std::string key; ///< "caldera.rank", "caldera.pattern_overrides.*.k_proj"
    std::string left;
    std::string right;
    bool operator==(const PlanDifference&) const = default;
};

/// Empty exactly when the plans are equal.
std::vector<PlanDifference> diffPlans(const Plan& left, const Plan& right);

} // namespace caldera
