#include "core/evaluate/token_scores.h"

#include <algorithm>
#include <atomic>
#include <cstddef>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace caldera {

namespace {

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

/// The numbers of some tokens, [tokens] f64 each; undefined without a reference but for the loss.
struct RowScores {
    torch::Tensor loss, referenceLoss, divergence;
    int64_t agreements = 0;
};

RowScores scoreRows(torch::Tensor logits, torch::Tensor reference, const torch::Tensor& targets) {
    const at::NoGradGuard noGradients;
    ShiftedLogits subject(std::move(logits), targets);
    if (!reference.defined()) {
        const torch::Tensor logSum = subject.values.exp_().sum(1, false, at::kDouble).log();
        return {logSum - subject.chosen, {}, {}};
    }
    ShiftedLogits original(std::move(reference), targets);
    RowScores scores;
    scores.agreements = (subject.expected == original.expected).sum().item<int64_t>();

    // KL = sum p_r (z_r - z_s) - (log Z_r - log Z_s): the difference of logits is formed before
    // any rounding of their size can enter.
    torch::Tensor difference = original.values - subject.values; // [tokens, vocab]
    const torch::Tensor logSum = subject.values.exp_().sum(1, false, at::kDouble).log();
    const torch::Tensor weight = original.values.exp_(); // p_r, not normalised
    const torch::Tensor weightSum = weight.sum(1, false, at::kDouble);
    const torch::Tensor mean = difference.mul_(weight).sum(1, false, at::kDouble) / weightSum;
    const torch::Tensor originalLogSum = weightSum.log();
    scores.loss = logSum - subject.chosen;
    scores.referenceLoss = originalLogSum - original.chosen;
    scores.divergence = (mean - (originalLogSum - logSum)).clamp_min(0);
    return scores;
}

/// Values go to `to` from `first` on.
void put(const torch::Tensor& values, std::vector<double>& to, size_t first) {
    if (values.defined()) {
        const torch::Tensor onHost = values.to(at::kCPU, at::kDouble).contiguous();
        std::copy_n(onHost.data_ptr<double>(), onHost.numel(),
                    to.begin() + static_cast<std::ptrdiff_t>(first));
    }
}

/// Tokens that one thread scores at a time: their logits stay in its cache. A GPU takes all.
int64_t tokensTogether(const torch::Tensor& logits) {
    constexpr int64_t kCachedBytes = int64_t{1} << 20;
    const int64_t bytes = logits.size(1) * static_cast<int64_t>(sizeof(float));
    return logits.is_cuda() ? logits.size(0) : std::max<int64_t>(1, kCachedBytes / bytes);
}

} // namespace

void scoreTokens(const torch::Tensor& logits, const torch::Tensor& reference,
                 const torch::Tensor& targets, TokenScores& scores) {
    const int64_t count = logits.size(0);
    const size_t before = scores.loss.size();
    scores.loss.resize(before + static_cast<size_t>(count));
    if (reference.defined()) {
        scores.referenceLoss.resize(scores.loss.size());
        scores.divergence.resize(scores.loss.size());
    }
    const int64_t step = tokensTogether(logits);
    std::atomic<int64_t> agreements = 0;
    at::parallel_for(0, (count + step - 1) / step, 1, [&](int64_t begin, int64_t end) {
        for (int64_t first = begin * step; first < std::min(end * step, count); first += step) {
            const auto rows = [&](const torch::Tensor& x) {
                return x.defined() ? x.narrow(0, first, std::min(step, count - first)) : x;
            };
            const RowScores some = scoreRows(rows(logits), rows(reference), rows(targets));
            const size_t place = before + static_cast<size_t>(first);
            put(some.loss, scores.loss, place);
            put(some.referenceLoss, scores.referenceLoss, place);
            put(some.divergence, scores.divergence, place);
            agreements += some.agreements;
        }
    });
    scores.agreements += agreements;
}

} // namespace caldera
