// Rows of logits [tokens, vocabulary] as the scores of this folder need them.
#pragma once

#include <cstdint>
#include <functional>

#include <torch/types.h>

namespace caldera {

/// How many of a model's likeliest tokens are compared with another's (`top5_agreement`).
inline constexpr int64_t kTopTokens = 5;

/// Shifts every row to a maximum of 0, in place, and keeps what the scores need.
struct ShiftedLogits {
    torch::Tensor values; ///< [tokens, vocab] f32, maximum 0
    torch::Tensor best;   ///< [tokens, kTopTokens] the likeliest tokens, likeliest first
    torch::Tensor chosen; ///< [tokens] f64, the target's

    /// logits [tokens, vocab] f32, targets [tokens] int64.
    ShiftedLogits(torch::Tensor logits, const torch::Tensor& targets);

    /// [tokens] f64, the logarithm of each row's sum of exponentials.
    torch::Tensor logSum() const;
};

/// Scores of some tokens, [tokens] f64 each; what a score needs and was not there is undefined.
struct RowScores {
    torch::Tensor loss, referenceLoss, divergence, divergenceError, sameTop, sharedTop;
};

/// Fills the agreements from the likeliest tokens of both, [tokens, kTopTokens].
void compareTop(const torch::Tensor& subject, const torch::Tensor& reference, RowScores& scores);

/// Calls `work(first, count)` for all rows of logits in pieces: on a processor each thread takes a
/// few at a time, whose logits stay in its cache; a GPU takes all.
void forRows(const torch::Tensor& logits, const std::function<void(int64_t, int64_t)>& work);

} // namespace caldera
