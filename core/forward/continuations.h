// Many tokens tried at one place of a sequence, all on the same prefix.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include <torch/types.h>

#include "core/forward/transformer.h"

namespace caldera {

/// A token of the sequences [n, t] that is not the first.
struct TokenPlace {
    int64_t sequence = 0;
    int64_t position = 0;
};

/// Replaces the states of tokens that are tried, tried [places, tokens, hidden], by the block's
/// output: each sees the tokens of its sequence before its place, whose inputs of the block are
/// hidden [n, t, hidden], and itself. Places pass one after another. Throws Cancelled.
void applyBlockToContinuations(const ModelConfig& config, const BlockWeights& weights,
                               const torch::Tensor& hidden, const std::vector<TokenPlace>& places,
                               torch::Tensor& tried, const std::stop_token& stop = {});

} // namespace caldera
