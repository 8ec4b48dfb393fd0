// Factors in the blocks of a codec for Q: L along its rank indices, R along its columns.
#pragma once

#include "core/decompose/factor.h"
#include "core/decompose/q_solver.h"

namespace caldera {

/// roundFactor() for L. target [rows, rank] is divided by the scales, which makes the metric
/// [rank, rank] diag(s) metric diag(s), and rounded there as Q is.
QuantizedFactor roundLeftInBlocks(const torch::Tensor& target, const torch::Tensor& metric,
                                  const Codec& codec);

/// improveFactor() for L: more sweeps, then scales. Never makes the error larger (up to rounding).
void improveLeftInBlocks(QuantizedFactor& factor, const torch::Tensor& target,
                         const torch::Tensor& metric, const Codec& codec);

/// Rounds R, each rank index along the columns in the metric of the input, whose factorization is
/// kept from one call to the next; scales then take the Gram matrix of L into account.
class RightBlockRounder {
public:
    /// metric [columns, columns] symmetric positive definite.
    RightBlockRounder(const torch::Tensor& metric, int64_t rank, const Codec& codec);

    /// Makes tr(G D metric D^T) small, D = R - target. target [columns, rank] is R's transpose;
    /// gram G [rank, rank].
    QuantizedFactor round(const torch::Tensor& target, const torch::Tensor& gram) const;

private:
    const Codec& codec_;
    torch::Tensor metric_;
    QSolver solver_;
};

} // namespace caldera
