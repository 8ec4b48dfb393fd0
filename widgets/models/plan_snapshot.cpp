#include "widgets/models/plan_snapshot.h"

#include <string_view>
#include <unordered_map>
#include <utility>

namespace caldera::studio {

PlanSnapshot::PlanSnapshot(Plan plan, const PlanSnapshot* neighbour) {
    std::unordered_map<std::string_view, std::shared_ptr<const Override>> known;
    if (neighbour != nullptr) {
        for (const auto& entry : neighbour->overrides_) {
            known.emplace(entry->first, entry);
        }
    }
    overrides_.reserve(plan.layerOverrides.size());
    for (Override& entry : plan.layerOverrides) {
        const auto found = known.find(entry.first);
        overrides_.push_back(found != known.end() && *found->second == entry
                                 ? found->second
                                 : std::make_shared<const Override>(std::move(entry)));
    }
    plan.layerOverrides.clear();
    plan.layerOverrides.shrink_to_fit();
    rest_ = std::move(plan);
}

Plan PlanSnapshot::plan() const {
    Plan plan = rest_;
    plan.layerOverrides.reserve(overrides_.size());
    for (const auto& entry : overrides_) {
        plan.layerOverrides.push_back(*entry);
    }
    return plan;
}

} // namespace caldera::studio
