#include "core/evaluate/token_scores.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

#include <ATen/ATen.h>

#include "core/base/error.h"

namespace caldera {

namespace {

/// Each score of a row beside the list that it goes to.
template <class Scores, class Rows>
auto lists(Scores& scores, Rows& rows) {
    return std::array{std::pair(&rows.loss, &scores.loss),
                      std::pair(&rows.referenceLoss, &scores.referenceLoss),
                      std::pair(&rows.divergence, &scores.divergence),
                      std::pair(&rows.divergenceError, &scores.divergenceError),
                      std::pair(&rows.sameTop, &scores.sameTop),
                      std::pair(&rows.sharedTop, &scores.sharedTop)};
}

RowScores scoreRows(torch::Tensor logits, torch::Tensor reference, const torch::Tensor& targets) {
    const ShiftedLogits subject(std::move(logits), targets);
    RowScores scores;
    if (!reference.defined()) {
        scores.loss = subject.logSum() - subject.chosen;
        return scores;
    }
    const ShiftedLogits original(std::move(reference), targets);
    compareTop(subject.best, original.best, scores);

    // KL = sum p_r (z_r - z_s) - (log Z_r - log Z_s): the difference of logits is formed before
    // any rounding of their size can enter.
    torch::Tensor difference = original.values - subject.values; // [tokens, vocab]
    const torch::Tensor logSum = subject.logSum();
    const torch::Tensor weight = original.values.exp(); // p_r, not normalised
    const torch::Tensor weightSum = weight.sum(1, false, at::kDouble);
    const torch::Tensor mean = difference.mul_(weight).sum(1, false, at::kDouble) / weightSum;
    const torch::Tensor originalLogSum = weightSum.log();
    scores.loss = logSum - subject.chosen;
    scores.referenceLoss = originalLogSum - original.chosen;
    scores.divergence = (mean - (originalLogSum - logSum)).clamp_min(0);
    return scores;
}

} // namespace

size_t TokenScores::grow(int64_t count, const RowScores& like) {
    const size_t place = loss.size();
    for (const auto& [rows, list] : lists(*this, like)) {
        if (rows->defined()) {
            list->resize(place + static_cast<size_t>(count));
        }
    }
    return place;
}

void TokenScores::put(const RowScores& rows, size_t place) {
    for (const auto& [values, list] : lists(*this, rows)) {
        if (values->defined()) {
            const torch::Tensor onHost = values->to(at::kCPU, at::kDouble).contiguous();
            std::copy_n(onHost.data_ptr<double>(), onHost.numel(),
                        list->begin() + static_cast<std::ptrdiff_t>(place));
        }
    }
}

void scoreTokens(const torch::Tensor& logits, const torch::Tensor& reference,
                 const torch::Tensor& targets, TokenScores& scores) {
    RowScores kinds;
    const torch::Tensor some = at::empty(0);
    kinds.loss = some;
    if (reference.defined()) {
        kinds.referenceLoss = kinds.divergence = kinds.sameTop = kinds.sharedTop = some;
    }
    const size_t place = scores.grow(logits.size(0), kinds);
    forRows(logits, [&](int64_t first, int64_t count) {
        const auto rows = [&](const torch::Tensor& x) {
            return x.defined() ? x.narrow(0, first, count) : x;
        };
        scores.put(scoreRows(rows(logits), rows(reference), rows(targets)),
                   place + static_cast<size_t>(first));
    });
}

void requireFinite(std::span<const double> losses, const std::string& model) {
    if (!std::all_of(losses.begin(), losses.end(),
                     [](double loss) { return std::isfinite(loss); })) {
        throw Error("evaluate.not-finite",
                    "The " + model +
                        " model predicts NaN or infinity, so it has no perplexity. Its file is "
                        "damaged or was saved in a format too narrow for it.",
                    {{"model", model}});
    }
}

} // namespace caldera
