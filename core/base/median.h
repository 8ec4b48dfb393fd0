// The middle of measured numbers, and other places among them.
#pragma once

#include <span>
#include <vector>

namespace caldera {

/// Of an even count the mean of the two in the middle. `values` must not be empty.
double median(std::vector<double> values);

/// Value at `fraction` (0 .. 1) of ascending values, linear between neighbours. There is one
/// at least.
double percentile(std::span<const double> ascending, double fraction);

} // namespace caldera
