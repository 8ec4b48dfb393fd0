// The choices that some price makes best; for this folder.
#pragma once

#include <span>
#include <vector>

#include "core/allocation/choice.h"

namespace caldera {

/// From one choice of an item to a dearer and better one.
struct HullStep {
    int item = 0;
    int to = 0;
    double cost = 0; ///< more than before, above 0
    double gain = 0; ///< less loss than before, above 0
    double efficiency() const { return gain / cost; }
};

struct ChoiceHull {
    std::vector<int> cheapest; ///< of each item, its cheapest choice (of those, the best)
    /// By falling efficiency, and so the steps of each item, too. Equal ones in the order of items.
    std::vector<HullStep> steps;
};

ChoiceHull choiceHull(std::span<const ChoiceItem> items);

} // namespace caldera
