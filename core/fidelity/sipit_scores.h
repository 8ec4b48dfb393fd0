// Whether a disturbed state still says which token it is of.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "core/evaluate/bootstrap.h"

namespace caldera {

/// One number for each place.
struct RecoveryScores {
    /// 2 |e| / D, e the distance of the disturbed state from the true token's, D that of the true
    /// token's from the nearest other: below 1 recovery is certain.
    std::vector<double> noiseRatio;
    /// (d2 - d1) / (d2 + d1): of the disturbed state from the nearest other token and from the true
    /// one. Above 0 the token is recovered.
    std::vector<double> margin;
};

/// observed [places, size], candidates [places, tokens, size] with the true token first.
RecoveryScores recoveryScores(const torch::Tensor& observed, const torch::Tensor& candidates);

struct Recovery {
    MeanInterval noiseRatio; ///< geometric mean
    MeanInterval recovered;  ///< share of the places, 0 .. 1
    MeanInterval margin;
    double lowMargin = 0; ///< 10th percentile
};
/// Of at least one place; intervals by a seeded bootstrap over places.
Recovery summarize(const RecoveryScores& scores, uint64_t seed);

} // namespace caldera
