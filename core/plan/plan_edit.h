// Bits and ranks of many cells at once, said in a plan as shortly as they can be.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/plan/plan.h"

namespace caldera {

using Overrides = std::vector<std::pair<std::string, CellOverride>>;

/// What stands under a name or pattern; at the end where nothing did. A name may stand once.
CellOverride& overrideOf(Overrides& overrides, const std::string& name);

struct BitsAndRank {
    double bits = 0;
    int rank = 0;
    auto operator<=>(const BitsAndRank&) const = default;
};

/// A plan that gives these cells these bits and ranks, and leaves every other setting of every cell
/// as it is. What most cells of a module share becomes a pattern where that is shorter.
Plan withBitsAndRanks(Plan plan, const ModelConfig& config,
                      const std::map<Cell, BitsAndRank>& wanted);

} // namespace caldera
