// The L, R step: two quantized factors whose product takes the part of a matrix that Q cannot hold
// cheaply.
#pragma once

#include <torch/types.h>

#include "core/decompose/factor.h"

namespace caldera {

/// L and R transposed, so that both have their rank indices in columns.
struct LowRank {
    QuantizedFactor left;            ///< [rows, rank]
    QuantizedFactor rightTransposed; ///< [columns, rank]

    bool empty() const { return left.empty(); }
    /// L R, [rows, columns].
    torch::Tensor product() const;
};

struct LowRankSettings {
    int64_t rank = 0;
    int innerIterations = 1;
    uint64_t seed = 0;
    const FactorCodec& leftCodec;
    const FactorCodec& rightCodec;
};

/// Fits L R to `a` from nothing: leading singular part, rotated so that rank indices carry even
/// energy, then R and L rounded in turns (each against the other's Gram matrix), until a turn
/// no longer helps. metric [columns, columns], symmetric positive definite, weighs the errors.
LowRank fitLowRank(const torch::Tensor& a, const torch::Tensor& metric,
                   const LowRankSettings& settings);

/// Refits L (and R too, where it is stored in 16 bits) to `a` in the metric of the
/// Hessian, starting from the codes that are there; never makes the error larger (up to rounding).
void improveLowRank(LowRank& lowRank, const torch::Tensor& a, const torch::Tensor& hessian,
                    const LowRankSettings& settings);

} // namespace caldera
