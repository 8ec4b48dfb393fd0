// What the pages of Inspect look at: a report, one of its cells, and the cells beside it.
#pragma once

#include <QColor>
#include <QString>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/report/report.h"

namespace caldera::studio {

/// Which cells are drawn over one another.
enum class Overlay { Cell, Module, Layer };

struct InspectFocus {
    std::shared_ptr<const Report> report; ///< null: nothing is measured
    Cell cell;
    Overlay overlay = Overlay::Cell;

    /// nullptr when the report does not have the cell.
    const CellReport* measured() const;
    /// Those of the report that the overlay takes together. The focused cell is the last, so that
    /// it lies above the others.
    std::vector<Cell> cells() const;
    /// Whether the curve was measured of any cell: &CellReport::history.
    template <typename Values>
    bool has(Values CellReport::*curve) const;
};

template <typename Values>
bool InspectFocus::has(Values CellReport::*curve) const {
    return report &&
           std::any_of(report->cells.begin(), report->cells.end(),
                       [curve](const auto& each) { return !(each.second.*curve).empty(); });
}

/// The focused cell in the accent; others by their module, or by depth, pale to strong.
std::function<QColor()> overlayColor(const InspectFocus& focus, Cell cell);

/// Share of the energy (sum of squares) in the leading `rank` values, 0 .. 1, where `values` leave
/// out the share `tailEnergy`. Nothing without values and for more than there are.
std::optional<double> energyKept(const std::vector<float>& values, double tailEnergy, int rank);
/// The smallest rank that keeps `share`; nothing when the leading values hold less.
std::optional<int> rankThatKeeps(const std::vector<float>& values, double tailEnergy, double share);

} // namespace caldera::studio
