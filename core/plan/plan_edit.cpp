#include "core/plan/plan_edit.h"

#include <algorithm>
#include <string>

#include "core/plan/plan_cells.h"

namespace caldera {

namespace {

using Wanted = std::map<Cell, BitsAndRank>;

/// Bits and ranks of all cells.
Wanted completed(const Wanted& wanted, const PlanCells& cells) {
    Wanted all = wanted;
    for (const Cell cell : allCells(cells.layerCount())) {
        const CellSettings& now = cells.settingsOf(cell);
        all.try_emplace(cell, BitsAndRank{now.bits, now.rank});
    }
    return all;
}

/// But of locked cells that stay as they are: what a person wrote of them stays written.
void forgetExactValues(Plan& plan, const PlanCells& cells, const Wanted& wanted) {
    for (auto& [name, override] : plan.layerOverrides) {
        const auto cell = parseCellName(name);
        const bool isKnown = cell && cell->layer < cells.layerCount();
        if (isKnown && cells.settingsOf(*cell).locked && !wanted.contains(*cell)) {
            continue;
        }
        override.bits.reset();
        override.rank.reset();
    }
}

/// Cells of a module that need an entry of their own.
int exceptionsOf(const Plan& plan, const Wanted& all, Module module) {
    return static_cast<int>(std::count_if(all.begin(), all.end(), [&](const auto& entry) {
        if (entry.first.module != module) {
            return false;
        }
        const CellSettings inherited = inheritedSettings(plan, entry.first);
        return BitsAndRank{inherited.bits, inherited.rank} != entry.second;
    }));
}

BitsAndRank mostCommon(const Wanted& all, Module module) {
    std::map<BitsAndRank, int> counts;
    for (const auto& [cell, value] : all) {
        counts[value] += cell.module == module ? 1 : 0;
    }
    return std::max_element(counts.begin(), counts.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
}

/// The same plan with a pattern for what most cells of the module share, if that is shorter.
Plan withPattern(const Plan& plan, const Wanted& all, Module module) {
    Plan shorter = plan;
    const BitsAndRank value = mostCommon(all, module);
    CellOverride& pattern =
        overrideOf(shorter.patternOverrides, "*." + std::string(moduleName(module)));
    pattern.bits = value.bits;
    pattern.rank = value.rank;
    const auto added =
        static_cast<int>(shorter.patternOverrides.size() - plan.patternOverrides.size());
    const bool isShorter =
        added + exceptionsOf(shorter, all, module) < exceptionsOf(plan, all, module);
    return isShorter ? shorter : plan;
}

void addExceptions(Plan& plan, const Wanted& all) {
    std::map<std::string, CellOverride*> entries;
    for (auto& [name, override] : plan.layerOverrides) {
        entries[name] = &override;
    }
    Overrides added;
    for (const auto& [cell, value] : all) {
        const CellSettings inherited = inheritedSettings(plan, cell);
        CellOverride exception;
        if (value.bits != inherited.bits) {
            exception.bits = value.bits;
        }
        if (value.rank != inherited.rank) {
            exception.rank = value.rank;
        }
        if (exception == CellOverride{}) {
            continue;
        }
        const std::string name = cellName(cell);
        if (const auto entry = entries.find(name); entry != entries.end()) {
            CellOverride& own = *entry->second;
            own.bits = exception.bits ? exception.bits : own.bits;
            own.rank = exception.rank ? exception.rank : own.rank;
        } else {
            added.emplace_back(name, exception);
        }
    }
    std::move(added.begin(), added.end(), std::back_inserter(plan.layerOverrides));
}

} // namespace

CellOverride& overrideOf(Overrides& overrides, const std::string& name) {
    const auto found = std::find_if(overrides.begin(), overrides.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    return found != overrides.end() ? found->second
                                    : overrides.emplace_back(name, CellOverride{}).second;
}

Plan withBitsAndRanks(Plan plan, const ModelConfig& config, const Wanted& wanted) {
    const PlanCells cells(plan, config);
    const Wanted all = completed(wanted, cells);
    forgetExactValues(plan, cells, wanted);
    for (const Module module : kModules) {
        plan = withPattern(plan, all, module);
    }
    addExceptions(plan, all);
    std::erase_if(plan.layerOverrides,
                  [](const auto& entry) { return entry.second == CellOverride{}; });
    return plan;
}

} // namespace caldera
