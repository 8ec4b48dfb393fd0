// How many columns fit side by side.
#pragma once

#include <vector>

namespace caldera::studio {

/// The most columns in which items of these widths, filled row by row, fit into `room` with
/// `spacing` between columns; at least 1.
int fittingColumns(const std::vector<int>& widths, int spacing, int room);

} // namespace caldera::studio
