// What logits say about the tokens of a text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <torch/types.h>

#include "core/evaluate/logit_rows.h"

namespace caldera {

/// One number per predicted token, in text order. All but the loss are empty without a reference.
struct TokenScores {
    std::vector<double> loss;          ///< negative log-likelihood of the subject, nats
    std::vector<double> referenceLoss; ///< of the reference
    std::vector<double> divergence;    ///< KL(reference || subject), nats
    /// Standard error of the divergence; empty when it is exact.
    std::vector<double> divergenceError;
    std::vector<double> sameTop;   ///< 1 where both find the same successor likeliest, else 0
    std::vector<double> sharedTop; ///< share of the kTopTokens likeliest that both name

    /// Makes room for `count` more tokens of the kinds that `like` has, and returns their place.
    size_t grow(int64_t count, const RowScores& like);
    /// Scores go to the tokens from `place` on.
    void put(const RowScores& rows, size_t place);
};

/// logits [tokens, vocab] f32, targets [tokens] int64; `reference` may be undefined. Logits are
/// overwritten. Sums over the vocabulary are formed in f64 (docs/evaluation.md).
void scoreTokens(const torch::Tensor& logits, const torch::Tensor& reference,
                 const torch::Tensor& targets, TokenScores& scores);

/// Throws Error("evaluate.not-finite"); `model` is what the sentence calls it.
void requireFinite(std::span<const double> losses, const std::string& model);

} // namespace caldera
