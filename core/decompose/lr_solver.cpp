#include "core/decompose/lr_solver.h"

#include <algorithm>
#include <limits>
#include <optional>

#include <ATen/ATen.h>

#include "core/codec/codec.h"
#include "core/decompose/block_factor.h"
#include "core/linalg/factorization.h"
#include "core/linalg/random.h"
#include "core/linalg/rotation.h"
#include "kernels/hadamard/hadamard.h"

namespace caldera {

namespace {

/// Spreads the energy of the leading rank indices over all: neighbours in size go to different
/// Hadamard blocks, then each block is mixed with random signs.
torch::Tensor evenOut(const torch::Tensor& left, uint64_t seed) {
    const int64_t rank = left.size(1);
    const int64_t block = kernels::hadamardBlock(rank, rank);
    const torch::Tensor spread = left.view({left.size(0), block, rank / block})
                                     .transpose(1, 2)
                                     .reshape({left.size(0), rank});
    return rotateColumns(spread * randomSigns(1, rank, seed).to(left.device()), block);
}

} // namespace

torch::Tensor LowRank::product() const {
    return at::mm(left.dense(), rightTransposed.dense().t());
}

LowRank fitLowRank(const torch::Tensor& a, const torch::Tensor& metric,
                   const LowRankSettings& settings) {
    // The left singular vectors of A chol(H) are the eigenvectors of A H A^T.
    torch::Tensor left = evenOut(leadingDirections(a, metric, settings.rank, settings.seed),
                                 deriveSeed(settings.seed, "rotation")); // [rows, rank]
    std::optional<RightBlockRounder> rightBlocks;
    if (const Codec* blocks = settings.rightCodec.blocks()) {
        rightBlocks.emplace(metric, settings.rank, *blocks);
    }
    LowRank best;
    double lowest = std::numeric_limits<double>::infinity();
    torch::Tensor gram = at::eye(settings.rank, a.options()); // L^T L of the orthonormal start
    LowRank turn;
    for (int i = 0; i < std::max(settings.innerIterations, 1); ++i) {
        const torch::Tensor target = solveSymmetric(gram, at::mm(a.t(), left));
        turn.rightTransposed = rightBlocks ? rightBlocks->round(target, gram)
                                           : roundFactor(target, gram, settings.rightCodec);
        const torch::Tensor right = turn.rightTransposed.dense();    // [columns, rank]
        const torch::Tensor weighted = at::mm(metric, right);        // H R^T
        const torch::Tensor rightGram = at::mm(right.t(), weighted); // R H R^T
        const torch::Tensor cross = at::mm(a, weighted);             // A H R^T
        turn.left = roundFactor(solveSymmetric(rightGram, cross), rightGram, settings.leftCodec);
        left = turn.left.dense();
        gram = at::mm(left.t(), left);
        const double objective =
            ((gram * rightGram).sum() - (left * cross).sum() * 2).item<double>();
        if (objective >= lowest) {
            break;
        }
        lowest = objective;
        best = turn;
    }
    return best;
}

void improveLowRank(LowRank& lowRank, const torch::Tensor& a, const torch::Tensor& hessian,
                    const LowRankSettings& settings) {
    if (settings.rightCodec.storesHalves()) {
        // The best R is the plain least-squares one in any metric.
        const torch::Tensor left = lowRank.left.dense();
        const torch::Tensor gram = at::mm(left.t(), left);
        lowRank.rightTransposed =
            roundFactor(solveSymmetric(gram, at::mm(a.t(), left)), gram, settings.rightCodec);
    }
    const torch::Tensor right = lowRank.rightTransposed.dense();            // [columns, rank]
    const torch::Tensor weighted = at::mm(hessian, right);                  // H R^T
    const torch::Tensor gram = at::mm(right.t(), weighted);                 // R H R^T
    const torch::Tensor target = solveSymmetric(gram, at::mm(a, weighted)); // [rows, rank]
    improveFactor(lowRank.left, target, gram, settings.leftCodec);
}

} // namespace caldera
