#include "core/decompose/block_factor.h"

#include <ATen/ATen.h>

#include "core/decompose/scales.h"
#include "core/linalg/factorization.h"

namespace caldera {

namespace {

constexpr int kSweeps = 2;
/// Of the mean diagonal: enough for a Cholesky, too little to be seen in the error.
constexpr double kDamping = 1e-4;

/// What an error costs as a function of the scales s: s A s^T - 2 b s^T and something constant.
struct ScaleCost {
    torch::Tensor square; ///< A [rank, rank]
    torch::Tensor linear; ///< b [1, rank]

    torch::Tensor of(const torch::Tensor& scale) const { // []
        return (scale * (at::mm(scale, square) - linear * 2)).sum();
    }
};

/// For tr(G D^T M D), D = values diag(s) - target, both [n, rank]; `weighted` is M values.
ScaleCost costOf(const torch::Tensor& values, const torch::Tensor& weighted,
                 const torch::Tensor& target, const torch::Tensor& gram) {
    return {at::mm(values.t(), weighted) * gram,
            (at::mm(weighted.t(), target) * gram).sum(1).unsqueeze(0)};
}

/// Least-squares scales, taken where they are usable and cost less.
void refitScale(QuantizedFactor& factor, const ScaleCost& cost) {
    const torch::Tensor fitted = roundToHalf(solveSymmetric(cost.square, cost.linear)); // [1, rank]
    const torch::Tensor usable = at::isfinite(fitted) & (fitted > 0) & (factor.scale > 0);
    const torch::Tensor scale = at::where(usable, fitted, factor.scale);
    factor.scale = at::where(cost.of(scale) < cost.of(factor.scale), scale, factor.scale);
}

/// The metric [rank, rank] of L divided by its scales, of mean diagonal 1.
DampedCholesky scaledMetric(const torch::Tensor& metric, const torch::Tensor& scale) {
    const torch::Tensor scaled = metric * scale * scale.t();
    const torch::Tensor mean = scaled.diagonal().mean().clamp_min(1e-30);
    return dampedCholesky(scaled / mean, kDamping);
}

QSolver leftSolver(const Codec& codec, const torch::Tensor& target, const DampedCholesky& metric) {
    return {codec,        {target.size(0), target.size(1)}, metric.matrix, metric.factor, {},
            RowScale::One};
}

/// Sweeps over L's blocks, then scales.
void improveLeft(QuantizedFactor& factor, const torch::Tensor& target, const torch::Tensor& metric,
                 const QSolver& solver) {
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
        solver.improve(divideByScale(target, factor.scale), factor.blocks);
    }
    factor.values = solver.dense(factor.blocks);
    refitScale(factor, costOf(factor.values, factor.values, target, metric));
}

} // namespace

QuantizedFactor roundLeftInBlocks(const torch::Tensor& target, const torch::Tensor& metric,
                                  const Codec& codec) {
    QuantizedFactor factor;
    factor.scale = columnScale(target, codec.inputRms());
    const QSolver solver = leftSolver(codec, target, scaledMetric(metric, factor.scale));
    factor.blocks = solver.encode(divideByScale(target, factor.scale));
    improveLeft(factor, target, metric, solver);
    return factor;
}

void improveLeftInBlocks(QuantizedFactor& factor, const torch::Tensor& target,
                         const torch::Tensor& metric, const Codec& codec) {
    factor.blocks = factor.blocks.clone(); // copies of the factor keep theirs
    improveLeft(factor, target, metric,
                leftSolver(codec, target, scaledMetric(metric, factor.scale)));
}

RightBlockRounder::RightBlockRounder(const torch::Tensor& metric, int64_t rank, const Codec& codec)
    : codec_(codec), metric_(metric / metric.diagonal().mean()),
      solver_(codec, {rank, metric.size(0)}, metric_, dampedCholesky(metric_, kDamping).factor, {},
              RowScale::One) {}

QuantizedFactor RightBlockRounder::round(const torch::Tensor& target,
                                         const torch::Tensor& gram) const {
    QuantizedFactor factor;
    factor.scale = columnScale(target, codec_.inputRms());
    const torch::Tensor rows = divideByScale(target, factor.scale).t().contiguous();
    factor.blocks = solver_.encode(rows); // [rank, columns]
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
        solver_.improve(rows, factor.blocks);
    }
    factor.values = solver_.dense(factor.blocks).t();
    refitScale(factor, costOf(factor.values, at::mm(metric_, factor.values), target, gram));
    return factor;
}

} // namespace caldera
