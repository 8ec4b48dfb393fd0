// What one slice of logits says about its tokens.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

namespace caldera {

/// One number per predicted token, in text order.
struct TokenScores {
    std::vector<double> loss;          ///< negative log-likelihood of the subject, nats
    std::vector<double> referenceLoss; ///< of the reference; empty without one
    std::vector<double> divergence;    ///< KL(reference || subject), nats; empty without one
    int64_t agreements = 0;            ///< tokens whose most likely successor is the same
};

/// logits [tokens, vocab] f32, targets [tokens] int64; `reference` may be undefined. Logits are
/// overwritten. Sums over the vocabulary are formed in f64 (docs/evaluation.md). On a processor
/// each thread takes a few tokens at a time.
void scoreTokens(const torch::Tensor& logits, const torch::Tensor& reference,
                 const torch::Tensor& targets, TokenScores& scores);

} // namespace caldera
