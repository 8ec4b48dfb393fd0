// How sure a mean of a few measurements is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace caldera {

struct MeanInterval {
    double mean = 0;
    double low = 0; ///< 95 % of the resampled means lie between them
    double high = 0;
    size_t drawn = 0; ///< values or blocks that a resample is made of
    /// Of a single one every resample is the same: low and high say nothing.
    bool isKnown() const { return drawn > 1; }
};

/// Percentile bootstrap with 1000 resamples; the same for a seed on every machine. Neighbours that
/// depend on each other are drawn together, in blocks of `blockLength` (the last one may be
/// shorter). `values` are not empty.
MeanInterval bootstrapMean(std::span<const double> values, uint64_t seed, size_t blockLength = 1);

/// The share of ones among ones and zeros, with Wilson's interval of 95 %: all alike are no proof
/// that all others are, which resampling cannot tell. `values` are not empty.
MeanInterval shareOf(std::span<const double> values);

} // namespace caldera
