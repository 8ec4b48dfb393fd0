#include "core/evaluate/kept_rows.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>

#include <ATen/ATen.h>

#include "core/linalg/random.h"

namespace caldera {

namespace {

/// Points of (0, 1) for the draws of tokens `position` on, [count, sampled] f64: one in each of
/// `sampled` equal parts, so that a draw covers the tail evenly.
torch::Tensor drawPoints(int64_t position, int64_t count, const KeepSettings& settings) {
    torch::Tensor points = at::empty({count, settings.sampled}, at::kDouble);
    auto* out = points.data_ptr<double>();
    for (int64_t row = 0; row < count; ++row) {
        std::mt19937_64 random(deriveSeed(settings.seed, "kept/" + std::to_string(position + row)));
        for (int64_t part = 0; part < settings.sampled; ++part) {
            const double inside = (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53;
            *out++ = (static_cast<double>(part) + inside) / static_cast<double>(settings.sampled);
        }
    }
    return points;
}

/// The logarithms of kept probabilities go to their rows.
void putKept(const torch::Tensor& logProbabilities, const torch::Tensor& chosen,
             const torch::Tensor& tokens, const torch::Tensor& values) {
    tokens.copy_(chosen);
    values.copy_(logProbabilities.gather(1, chosen));
}

void keepSome(torch::Tensor logits, const torch::Tensor& targets, int64_t position,
              const KeepSettings& settings, const KeptRows& rows) {
    const ShiftedLogits original(std::move(logits), targets);
    const torch::Tensor logSum = original.logSum();
    rows.loss.copy_(logSum - original.chosen);
    torch::Tensor logProbabilities =
        original.values.to(at::kDouble).sub_(logSum.unsqueeze(1)); // [tokens, vocab]
    const auto [largest, likeliest] = logProbabilities.topk(rows.tokens.size(1), 1);
    putKept(logProbabilities, likeliest, rows.tokens, rows.logProbabilities);
    if (rows.tailTokens.size(1) == 0) {
        rows.tailMass.zero_();
        return;
    }
    const torch::Tensor mass =
        logProbabilities.exp().scatter(1, likeliest, 0.0).cumsum(1); // [tokens, vocab]
    const torch::Tensor total = mass.select(1, mass.size(1) - 1);
    rows.tailMass.copy_(total);
    const torch::Tensor points = drawPoints(position, mass.size(0), settings).to(mass.device());
    const torch::Tensor drawn =
        at::searchsorted(mass, points * total.unsqueeze(1), /*out_int32=*/false, /*right=*/true)
            .clamp_max(mass.size(1) - 1);
    putKept(logProbabilities, drawn, rows.tailTokens, rows.tailLogProbabilities);
}

RowScores scoreSome(torch::Tensor logits, const KeptRows& kept, const torch::Tensor& targets) {
    const ShiftedLogits subject(std::move(logits), targets);
    const torch::Device device = subject.values.device();
    const torch::Tensor logSum = subject.logSum();
    /// By how much the reference finds tokens likelier than the subject, [tokens, n] f64.
    const auto excess = [&](const torch::Tensor& tokens, const torch::Tensor& reference) {
        const torch::Tensor own =
            subject.values.gather(1, tokens.to(device, at::kLong)).to(at::kDouble);
        return reference.to(device, at::kDouble) - (own - logSum.unsqueeze(1));
    };
    RowScores scores;
    scores.loss = logSum - subject.chosen;
    scores.referenceLoss = kept.loss;
    compareTop(subject.best, kept.tokens.narrow(1, 0, subject.best.size(1)).to(device, at::kLong),
               scores);
    const torch::Tensor likely = kept.logProbabilities.to(device, at::kDouble).exp() *
                                 excess(kept.tokens, kept.logProbabilities);
    scores.divergence = likely.sum(1);
    scores.divergenceError = at::zeros_like(scores.divergence);
    const int64_t sampled = kept.tailTokens.size(1);
    if (sampled > 0) {
        const torch::Tensor tail = excess(kept.tailTokens, kept.tailLogProbabilities);
        const torch::Tensor mass = kept.tailMass.to(device);
        scores.divergence += mass * tail.mean(1);
        scores.divergenceError =
            mass * tail.std(1, /*unbiased=*/true) / std::sqrt(static_cast<double>(sampled));
    }
    scores.divergence.clamp_min_(0);
    return scores;
}

} // namespace

KeptRows KeptRows::slice(int64_t first, int64_t count) const {
    const auto part = [&](const torch::Tensor& x) { return x.narrow(0, first, count); };
    return {part(loss),       part(tailMass),
            part(tokens),     part(logProbabilities),
            part(tailTokens), part(tailLogProbabilities)};
}

KeptRows emptyRows(int64_t count, int64_t vocabulary, const KeepSettings& settings) {
    const int64_t likeliest = std::min(vocabulary, settings.likeliest);
    const int64_t sampled = vocabulary > likeliest ? settings.sampled : 0;
    return {at::empty({count}, at::kDouble),         at::empty({count}, at::kDouble),
            at::empty({count, likeliest}, at::kInt), at::empty({count, likeliest}, at::kFloat),
            at::empty({count, sampled}, at::kInt),   at::empty({count, sampled}, at::kFloat)};
}

void keepRows(const torch::Tensor& logits, const torch::Tensor& targets, int64_t position,
              const KeepSettings& settings, KeptRows& rows, int64_t first) {
    forRows(logits, [&](int64_t begin, int64_t count) {
        keepSome(logits.narrow(0, begin, count), targets.narrow(0, begin, count), position + begin,
                 settings, rows.slice(first + begin, count));
    });
}

void scoreTokens(const torch::Tensor& logits, const KeptRows& reference,
                 const torch::Tensor& targets, TokenScores& scores) {
    const torch::Tensor some = at::empty(0);
    const size_t place = scores.grow(logits.size(0), {some, some, some, some, some, some});
    forRows(logits, [&](int64_t first, int64_t count) {
        scores.put(scoreSome(logits.narrow(0, first, count), reference.slice(first, count),
                             targets.narrow(0, first, count)),
                   place + static_cast<size_t>(first));
    });
}

} // namespace caldera
