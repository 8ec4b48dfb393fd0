// States of a plan on the undo stack: settings of cells that did not change are shared, not copied.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/plan/plan.h"

namespace caldera::studio {

class PlanSnapshot {
public:
    /// `neighbour` is a state that is likely to share much; null: none.
    explicit PlanSnapshot(Plan plan, const PlanSnapshot* neighbour = nullptr);
    Plan plan() const;

private:
    using Override = std::pair<std::string, CellOverride>;

    Plan rest_; ///< without overrides of exact names
    std::vector<std::shared_ptr<const Override>> overrides_;
};

} // namespace caldera::studio
