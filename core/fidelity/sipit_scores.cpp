#include "core/fidelity/sipit_scores.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "core/base/median.h"

namespace caldera {

namespace {

/// States that are the same to the last bit have no logarithm of their distance.
constexpr double kSmallestRatio = 1e-9;
constexpr double kSmallestDistance = 1e-30;

torch::Tensor distances(const torch::Tensor& a, const torch::Tensor& b) {
    return (a - b).square().sum(-1, false, at::kDouble).sqrt();
}

std::vector<double> toVector(const torch::Tensor& x) {
    const torch::Tensor onHost = x.to(at::kCPU, at::kDouble).contiguous();
    return {onHost.data_ptr<double>(), onHost.data_ptr<double>() + onHost.numel()};
}

} // namespace

RecoveryScores recoveryScores(const torch::Tensor& observed, const torch::Tensor& candidates) {
    const torch::Tensor chosen = candidates.select(1, 0); // [places, size]
    const torch::Tensor others = candidates.narrow(1, 1, candidates.size(1) - 1);
    const torch::Tensor own = distances(observed, chosen);
    const torch::Tensor nearest = distances(observed.unsqueeze(1), others).amin(1);
    const torch::Tensor gap = distances(chosen.unsqueeze(1), others).amin(1);
    return {toVector(2 * own / gap.clamp_min(kSmallestDistance)),
            toVector((nearest - own) / (nearest + own).clamp_min(kSmallestDistance))};
}

Recovery summarize(const RecoveryScores& scores, uint64_t seed) {
    std::vector<double> logs(scores.noiseRatio.size());
    std::transform(scores.noiseRatio.begin(), scores.noiseRatio.end(), logs.begin(),
                   [](double ratio) { return std::log(std::max(ratio, kSmallestRatio)); });
    const MeanInterval interval = bootstrapMean(logs, seed);
    std::vector<double> recovered(scores.margin.size());
    std::transform(scores.margin.begin(), scores.margin.end(), recovered.begin(),
                   [](double margin) { return margin > 0 ? 1.0 : 0.0; });
    std::vector<double> ascending = scores.margin;
    std::sort(ascending.begin(), ascending.end());
    Recovery recovery;
    recovery.noiseRatio = {std::exp(interval.mean), std::exp(interval.low), std::exp(interval.high),
                           interval.drawn};
    recovery.recovered = bootstrapMean(recovered, seed);
    recovery.margin = bootstrapMean(scores.margin, seed);
    recovery.lowMargin = percentile(ascending, 0.1);
    return recovery;
}

} // namespace caldera
