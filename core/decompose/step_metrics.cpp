#include "core/decompose/step_metrics.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/linalg/rotation.h"

namespace caldera {

namespace {

/// Weight of plain energy beside the Hessian (mean diagonal 1) when L R is fitted before Q: LDLQ
/// turns the size of what is left into error whatever its direction (docs/decisions/0030, 0039).
constexpr double kPlainEnergyShare = 30;
/// Ranks for one outlier channel in the start that fits outliers.
constexpr int64_t kRanksPerOutlier = 4;
/// Weight of plain energy where only outlier channels count: it fills what they leave of the rank.
constexpr double kPlainEnergyBesideOutliers = 1e-3;
/// The Hessian of the input channels of most energy alone, as ODLRI starts: E^T (E H E^T) E with a
/// row of E [outliers, columns] for each of them.
torch::Tensor outlierHessian(const GroupBasis& basis, int64_t outliers) {
    const int64_t columns = basis.hessian.size(0);
    const torch::Tensor channels = std::get<1>(
        basis.hessianDiagonal.topk(std::clamp<int64_t>(outliers, 1, columns))); // [outliers]
    const torch::Tensor picked =
        rotateColumns(identityLike(basis.hessian).index_select(0, channels) * basis.inSign,
                      basis.transformBlock); // [outliers, columns]
    const torch::Tensor own = at::mm(at::mm(picked, basis.hessian), picked.t());
    return at::mm(picked.t(), at::mm(own, picked));
}

} // namespace

bool seesHessian(const CellSettings& settings, const std::string& step) {
    return settings.activationAware == step || settings.activationAware == "Q,LR";
}

torch::Tensor identityLike(const torch::Tensor& square) {
    return at::eye(square.size(0), square.options());
}

torch::Tensor startMetric(const CellSettings& settings, const GroupBasis& basis) {
    if (settings.lowRankStart == "plain") {
        return identityLike(basis.hessian);
    }
    if (settings.lowRankStart == "hessian") {
        return basis.hessian;
    }
    if (settings.lowRankStart == "outliers") {
        torch::Tensor metric =
            outlierHessian(basis, std::max<int64_t>(settings.rank / kRanksPerOutlier, 1));
        metric.diagonal().add_(kPlainEnergyBesideOutliers);
        return metric;
    }
    torch::Tensor metric = basis.hessian.clone();
    metric.diagonal().add_(kPlainEnergyShare);
    return metric;
}

} // namespace caldera
