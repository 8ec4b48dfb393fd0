#include "widgets/heatmap/paint_reach.h"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace caldera::studio {

namespace {

int rowOf(Cell cell) {
    return static_cast<int>(cell.module);
}

Cell cellAt(int layer, int row) {
    return {layer, kModules.at(static_cast<size_t>(row))};
}

/// The straight way from cell to cell, so that a fast stroke leaves no gaps.
std::set<Cell> lineBetween(Cell from, Cell to) {
    std::set<Cell> cells;
    const int steps =
        std::max({std::abs(to.layer - from.layer), std::abs(rowOf(to) - rowOf(from)), 1});
    for (int step = 0; step <= steps; ++step) {
        const auto between = [step, steps](int a, int b) {
            return (2 * a * steps + 2 * (b - a) * step + steps) / (2 * steps);
        };
        cells.insert(cellAt(between(from.layer, to.layer), between(rowOf(from), rowOf(to))));
    }
    return cells;
}

bool inGroup(Module module, Cell from, Cell to) {
    const auto [first, last] = std::minmax({inputGroupOf(from.module), inputGroupOf(to.module)});
    const InputGroup group = inputGroupOf(module);
    return group >= first && group <= last;
}

std::set<Cell> cellsOfTool(PaintTool tool, Cell from, Cell to, int layers) {
    if (tool == PaintTool::Brush) {
        return lineBetween(from, to);
    }
    const auto [top, bottom] = std::minmax({rowOf(from), rowOf(to)});
    const auto [left, right] = std::minmax({from.layer, to.layer});
    std::set<Cell> cells;
    for (int layer = 0; layer < layers; ++layer) {
        const bool inLayers = layer >= left && layer <= right;
        for (const Module module : kModules) {
            const int row = static_cast<int>(module);
            const bool inRows = row >= top && row <= bottom;
            const bool reached = (tool == PaintTool::Box && inLayers && inRows) ||
                                 (tool == PaintTool::Row && inRows) ||
                                 (tool == PaintTool::Column && inLayers) ||
                                 (tool == PaintTool::Group && inGroup(module, from, to));
            if (reached) {
                cells.insert({layer, module});
            }
        }
    }
    return cells;
}

} // namespace

std::vector<Cell> PaintReach::cells(int origin, Cell from, Cell to, int layers) const {
    std::set<Cell> reached;
    for (const Cell cell : cellsOfTool(tool, from, to, layers)) {
        if ((cell.layer - origin) % every != 0) {
            continue;
        }
        reached.insert(cell);
        if (mirrored) {
            reached.insert({layers - 1 - cell.layer, cell.module});
        }
    }
    return {reached.begin(), reached.end()};
}

std::vector<Cell> PaintReach::around(const std::vector<Cell>& targets, int layers) const {
    std::set<Cell> reached;
    for (const Cell target : targets) {
        const std::vector<Cell> each = cells(targets.front().layer, target, target, layers);
        reached.insert(each.begin(), each.end());
    }
    return {reached.begin(), reached.end()};
}

} // namespace caldera::studio
