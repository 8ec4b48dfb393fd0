// What a backend computes after some tokens, and such tokens.
#pragma once

#include <algorithm>
#include <random>
#include <span>
#include <vector>

#include "core/runtime/backend.h"

namespace caldera::test {

/// Of a tiny model's vocabulary, its marks left out.
inline std::vector<Token> randomTokens(int count, uint32_t seed) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<Token> token(3, 2047);
    std::vector<Token> tokens(static_cast<size_t>(count));
    std::generate(tokens.begin(), tokens.end(), [&] { return token(random); });
    return tokens;
}

/// Logits that outlive the next call.
inline std::vector<float> copyOf(std::span<const float> values) {
    return {values.begin(), values.end()};
}

/// Logits [vocab] after tokens that are appended to a slot, in batches as a scheduler does it.
inline std::span<const float> logitsAfter(Backend& backend, std::span<const Token> tokens,
                                          int slot = 0) {
    appendInBatches(backend, slot, tokens, {});
    return backend.logits();
}

/// Logits [next][vocab] after a step.
inline std::span<const float> logitsAfterStep(Backend& backend,
                                              std::span<const Backend::Next> next) {
    backend.step(next);
    return backend.logits();
}

} // namespace caldera::test
