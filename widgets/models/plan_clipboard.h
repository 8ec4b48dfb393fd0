// Plans and settings of cells as text that other programs can read, and back.
#pragma once

#include <QString>

#include <optional>
#include <vector>

#include "widgets/models/cell_edit.h"

namespace caldera::studio {

/// Bits, rank, codec and skip of the cells, as the part of a plan's YAML that holds them.
QString cellsText(const PlanCells& plan, const std::vector<Cell>& cells);

/// What stood in a text: a whole plan, or settings of cells.
struct PastedSettings {
    std::optional<Plan> plan;
    CellEdits cells;
};
/// Also reads configurations of qwen2-caldera-max. Throws Error("plan.*") that says what is wrong
/// with the text, Error("plan.paste") when it holds no plan at all.
PastedSettings parsePasted(const QString& text);

/// Copied settings moved so that they begin at the first of the targets; those of one cell go to
/// every target. What would lie outside of `layers` layers is left out.
CellEdits placedEdits(const CellEdits& copied, const std::vector<Cell>& targets, int layers);

} // namespace caldera::studio
