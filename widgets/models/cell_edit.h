// What a person sets on cells of a plan, and how it becomes overrides of their exact names.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/plan/plan.h"

namespace caldera {
class PlanCells;
}

namespace caldera::studio {

/// What is absent stays as it is.
struct CellEdit {
    std::optional<double> bits;       ///< the nearest that the cell's codec has
    std::optional<int> rank;          ///< the nearest multiple of 16 that fits the matrix
    std::optional<std::string> codec; ///< family; its whole input group takes it
    std::optional<bool> locked;
    std::optional<bool> skip;
    bool operator==(const CellEdit&) const = default;
};
using CellEdits = std::vector<std::pair<Cell, CellEdit>>;

/// The same edit on many cells.
CellEdits editsOf(const std::vector<Cell>& cells, const CellEdit& edit);

/// Codec families that people choose; none of them keeps 16 bits.
std::vector<std::string> paintableCodecs();
/// Bits that a codec family has, rising.
std::vector<double> bitsOfFamily(const std::string& family);
/// The next of them above or below, or `bits` at the end.
double steppedBits(const std::string& family, double bits, int direction);

/// Sets the edits on the plan, whose cells are `cells`. A locked cell keeps all but its lock, and
/// an input group with a locked cell its codec. New entries stand in the order of cells, and none
/// says what the plan says anyway. Returns how many cells were left alone for being locked.
int applyEdits(Plan& plan, const PlanCells& cells, const CellEdits& edits);

/// Writes out what locked cells have, and clears a setting of all other overrides, so that these
/// cells follow the plan's own.
void clearUnlocked(Plan& plan, const PlanCells& cells,
                   const std::function<void(CellOverride&)>& clear);

} // namespace caldera::studio
