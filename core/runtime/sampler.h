// Chooses the next token from logits.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "core/runtime/engine.h"

namespace caldera {

/// One answer's worth of random choices: the same logits and seed give the same tokens on every
/// machine. Throws Error("engine.sampling") for options out of range.
class Sampler {
public:
    explicit Sampler(const SamplingOptions& options);

    /// Repetition penalty (over the tokens in `history`), temperature, top-k, top-p, then a draw;
    /// greedy at temperature 0. Throws Error("engine.logits") when no logit is a number.
    Token choose(std::span<const float> logits, std::span<const Token> history);

private:
    struct Candidate {
        Token token = 0;
        float logit = 0;
    };
    Token draw();

    SamplingOptions options_;
    std::mt19937_64 random_;
    std::vector<float> logits_;
    std::vector<Candidate> candidates_;
};

} // namespace caldera
