#include "core/evaluate/token_scores.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace caldera {

namespace {

void append(std::vector<double>& to, const torch::Tensor& values) {
    const torch::Tensor onHost = values.to(at::kCPU).to(at::kDouble).contiguous();
    const double* data = onHost.data_ptr<double>();
    to.insert(to.end(), data, data + onHost.numel());
}

/// Shifts every row to a maximum of 0 and keeps what the loss needs.
struct ShiftedLogits {
    torch::Tensor values;   ///< [tokens, vocab] f32, maximum 0
    torch::Tensor expected; ///< [tokens] index of the maximum
    torch::Tensor chosen;   ///< [tokens] f64, the target's

    ShiftedLogits(torch::Tensor logits, const torch::Tensor& targets) : values(std::move(logits)) {
        torch::Tensor maximum;
        std::tie(maximum, expected) = values.max(1, true);
        values.sub_(maximum);
        chosen = values.gather(1, targets.unsqueeze(1)).squeeze(1).to(at::kDouble);
    }
};

} // namespace

void scoreTokens(torch::Tensor logits, torch::Tensor reference, const torch::Tensor& targets,
                 TokenScores& scores) {
    const at::NoGradGuard noGradients;
    ShiftedLogits subject(std::move(logits), targets);
    if (!reference.defined()) {
        const torch::Tensor logSum = subject.values.exp_().sum(1, false, at::kDouble).log();
        append(scores.loss, logSum - subject.chosen);
        return;
    }
    ShiftedLogits original(std::move(reference), targets);
    scores.agreements += (subject.expected == original.expected).sum().item<int64_t>();

    // KL = sum p_r (z_r - z_s) - (log Z_r - log Z_s): the difference of logits is formed before
    // any rounding of their size can enter.
    const torch::Tensor difference = original.values - subject.values; // [tokens, vocab]
    const torch::Tensor logSum = subject.values.exp_().sum(1, false, at::kDouble).log();
    const torch::Tensor weight = original.values.exp_(); // p_r, not normalised
    const torch::Tensor weightSum = weight.sum(1, false, at::kDouble);
    const torch::Tensor mean = (weight * difference).sum(1, false, at::kDouble) / weightSum;
    const torch::Tensor originalLogSum = weightSum.log();
    append(scores.loss, logSum - subject.chosen);
    append(scores.referenceLoss, originalLogSum - original.chosen);
    append(scores.divergence, (mean - (originalLogSum - logSum)).clamp_min(0));
}

} // namespace caldera
