// A reference's predictions in a few numbers a token, so that it need not run again: the likeliest
// tokens with their probabilities, and a sample of all others (docs/evaluation.md).
#pragma once

#include <cstdint>

#include <torch/types.h>

#include "core/evaluate/token_scores.h"

namespace caldera {

/// What is kept of each row of logits. The numbers are part of a store's key.
struct KeepSettings {
    int64_t likeliest = 512; ///< tokens kept with their probability
    int64_t sampled = 32;    ///< of the others, drawn by probability
    uint64_t seed = 1;       ///< of the draws
};

/// On the CPU. A vocabulary of at most `likeliest` tokens is kept whole: nothing is sampled.
struct KeptRows {
    torch::Tensor loss;     ///< [tokens] f64
    torch::Tensor tailMass; ///< [tokens] f64, probability of what is not among the likeliest
    torch::Tensor tokens;   ///< [tokens, likeliest] int32, likeliest first
    torch::Tensor logProbabilities;     ///< [tokens, likeliest] f32
    torch::Tensor tailTokens;           ///< [tokens, sampled] int32
    torch::Tensor tailLogProbabilities; ///< [tokens, sampled] f32

    /// Rows `first` to first + count.
    KeptRows slice(int64_t first, int64_t count) const;
};

/// Room for `count` rows of logits over `vocabulary` tokens.
KeptRows emptyRows(int64_t count, int64_t vocabulary, const KeepSettings& settings);

/// logits [tokens, vocab] f32 (overwritten), targets [tokens] int64 on the same device; `position`
/// is the place of the first token in the text, so that the draws do not depend on the slices.
/// Fills as many rows of `rows` from `first` on.
void keepRows(const torch::Tensor& logits, const torch::Tensor& targets, int64_t position,
              const KeepSettings& settings, KeptRows& rows, int64_t first);

/// Scores logits [tokens, vocab] f32 (overwritten) against what was kept. The divergence is an
/// unbiased estimate with a standard error of its own.
void scoreTokens(const torch::Tensor& logits, const KeptRows& reference,
                 const torch::Tensor& targets, TokenScores& scores);

} // namespace caldera
