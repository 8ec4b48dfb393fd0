// How sure a mean of a few measurements is.
#pragma once

#include <cstdint>
#include <span>

namespace caldera {

struct MeanInterval {
    double mean = 0;
    double low = 0; ///< 95 % of the resampled means lie between them
    double high = 0;
};

/// Percentile bootstrap with 1000 resamples; the same for a seed on every machine. `values` are
/// not empty.
MeanInterval bootstrapMean(std::span<const double> values, uint64_t seed);

} // namespace caldera
