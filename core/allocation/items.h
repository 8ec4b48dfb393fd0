// What an allocation can choose from; for this folder.
#pragma once

#include <variant>
#include <vector>

#include "core/allocation/allocation.h"
#include "core/allocation/choice.h"

namespace caldera {

/// A cell or table with its settings; what it costs and loses with each.
struct AllocationItem {
    std::variant<Cell, Table> what;
    std::vector<BitsAndRank> values;
    ChoiceItem choices; ///< one for each value; cost in bytes, loss in nats
    int present = 0;    ///< which of them the plan has
};

/// Everything that may change. Cells have the bits and ranks inside of what was measured, and what
/// they have now. A table is there when the target depends on it and its bits were measured.
std::vector<AllocationItem> allocationItems(const AllocationProblem& problem,
                                            const PlanCells& cells, const CostMeasure& measure);

} // namespace caldera
