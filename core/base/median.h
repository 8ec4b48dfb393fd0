// The middle of measured numbers.
#pragma once

#include <vector>

namespace caldera {

/// Of an even count the mean of the two in the middle. `values` must not be empty.
double median(std::vector<double> values);

} // namespace caldera
