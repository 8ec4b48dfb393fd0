// Which cells a painting tool reaches.
#pragma once

#include <vector>

#include "core/model/module.h"

namespace caldera::studio {

enum class PaintTool {
    Select, ///< paints nothing
    Brush,  ///< what the cursor touches
    Box,    ///< from corner to corner
    Row,    ///< a module in all layers
    Column, ///< all modules of a layer
    Group   ///< modules that share an input (q, k, v), in all layers
};
inline constexpr int kPaintToolCount = 6;

/// A tool and what thins out or repeats its cells.
struct PaintReach {
    PaintTool tool = PaintTool::Select;
    int every = 1;         ///< only every n-th layer, counted from where the stroke began
    bool mirrored = false; ///< also the layers as far from the other end

    /// The cells between two points of a stroke that began in layer `origin`; each once, in order.
    std::vector<Cell> cells(int origin, Cell from, Cell to, int layers) const;
    /// The cells of one click on each of these; every n-th layer counts from the first.
    std::vector<Cell> around(const std::vector<Cell>& targets, int layers) const;
};

} // namespace caldera::studio
