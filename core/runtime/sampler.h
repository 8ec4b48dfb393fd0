// Chooses the next token from logits.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <unordered_set>
#include <vector>

#include "core/runtime/engine.h"

namespace caldera {

/// One answer's worth of random choices: the same logits and seed give the same tokens. Throws
/// Error("engine.sampling") for options out of range.
class Sampler {
public:
    explicit Sampler(const SamplingOptions& options);

    /// Repetition penalty (over the tokens in `history`, which only grows from call to call),
    /// temperature, top-k, top-p, min-p, then a draw; greedy at temperature 0. A NaN is never
    /// chosen. Throws Error("engine.logits") when the largest logit is not finite.
    Token choose(std::span<const float> logits, std::span<const Token> history);

private:
    struct Candidate {
        Token token = 0;
        float weight = 0; ///< probability by that of the likeliest
    };
    std::span<const float> penalised(std::span<const float> logits, std::span<const Token> history);
    void weigh(std::span<const float> logits, float largest);
    bool collect(double least);
    void gather();
    Candidate leastLikelyKept(std::vector<Candidate> ranked);
    Token draw();
    static double sumOf(std::span<const Candidate> candidates);
    static bool isLikelier(const Candidate& a, const Candidate& b);

    SamplingOptions options_;
    std::mt19937_64 random_;
    size_t seenTokens_ = 0; ///< of the history
    std::unordered_set<Token> seen_;
    std::vector<float> penalised_;
    std::vector<float> weights_; ///< by token
    double total_ = 0;           ///< of the weights that top-p is a share of
    std::vector<Candidate> candidates_;
};

} // namespace caldera
