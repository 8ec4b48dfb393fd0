// Probabilities of tokens from a row of logits.
#pragma once

#include <span>
#include <vector>

#include "core/runtime/engine.h"

namespace caldera {

/// A copy of the row, so that it outlives what the choice of a token does to it.
class TokenChances {
public:
    /// logits [vocabulary]
    explicit TokenChances(std::span<const float> logits);

    float of(Token token) const;
    /// The `count` likeliest, likeliest first, of equals the first; fewer when the vocabulary has
    /// fewer.
    std::vector<TokenChance> likeliest(int count) const;

private:
    std::vector<float> logits_;
    double logSum_; ///< of the exponentials
};

} // namespace caldera
