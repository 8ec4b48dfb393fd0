// How the next token of an answer is chosen.
#pragma once

#include <random>
#include <span>
#include <unordered_set>
#include <vector>

#include "core/runtime/backend.h"
#include "core/runtime/engine.h"

namespace caldera {

/// One answer's worth of random choices: the same logits and seed give the same tokens. Backends
/// make the choices (kernels/sample). Throws Error("engine.sampling") for options out of range.
class Sampler {
public:
    explicit Sampler(const SamplingOptions& options);

    /// How the token after `history`, which only grows from call to call, is to be chosen:
    /// repetition penalty, temperature, top-k, top-p, min-p, then a random number, which is a new
    /// one each time; greedy at temperature 0. Valid until the next call.
    TokenChoice next(std::span<const Token> history);

private:
    void note(std::span<const Token> history);

    kernels::SampleChoice choice_;
    std::mt19937_64 random_;
    size_t notedTokens_ = 0; ///< of the history
    std::unordered_set<Token> seen_;
    std::vector<Token> seenInOrder_;
};

} // namespace caldera
