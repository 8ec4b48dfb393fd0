#include "core/evaluate/logit_rows.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace caldera {

ShiftedLogits::ShiftedLogits(torch::Tensor logits, const torch::Tensor& targets)
    : values(std::move(logits)) {
    const auto [largest, tokens] =
        values.topk(std::min(kTopTokens, values.size(1)), 1, /*largest=*/true, /*sorted=*/true);
    best = tokens;
    values.sub_(largest.narrow(1, 0, 1));
    chosen = values.gather(1, targets.unsqueeze(1)).squeeze(1).to(at::kDouble);
}

torch::Tensor ShiftedLogits::logSum() const {
    return values.exp().sum(1, false, at::kDouble).log();
}

void compareTop(const torch::Tensor& subject, const torch::Tensor& reference, RowScores& scores) {
    scores.sameTop = (subject.select(1, 0) == reference.select(1, 0)).to(at::kDouble);
    const torch::Tensor pairs = subject.unsqueeze(2) == reference.unsqueeze(1); // [tokens, k, k]
    scores.sharedTop =
        pairs.flatten(1).sum(1).to(at::kDouble) / static_cast<double>(subject.size(1));
}

void forRows(const torch::Tensor& logits, const std::function<void(int64_t, int64_t)>& work) {
    constexpr int64_t kCachedBytes = int64_t{1} << 20;
    const int64_t count = logits.size(0);
    const int64_t rowBytes = logits.size(1) * static_cast<int64_t>(sizeof(float));
    const int64_t step = logits.is_cuda() ? std::max<int64_t>(1, count)
                                          : std::max<int64_t>(1, kCachedBytes / rowBytes);
    at::parallel_for(0, (count + step - 1) / step, 1, [&](int64_t begin, int64_t end) {
        const at::NoGradGuard noGradients;
        for (int64_t first = begin * step; first < std::min(end * step, count); first += step) {
            work(first, std::min(step, count - first));
        }
    });
}

} // namespace caldera
