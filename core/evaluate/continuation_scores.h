// What a model thinks of a given continuation, one block in memory at a time.
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include "core/forward/transformer.h"
#include "core/job/progress.h"

namespace caldera {

/// A token of the continuation with natural logarithms of probabilities.
struct ScoredPlace {
    Token token = 0;
    float logProbability = 0;
    std::vector<Token> likeliest; ///< likeliest first
    std::vector<float> likeliestLogProbabilities;
};

/// What is wanted of each place.
struct PlaceWish {
    int likeliest = 0; ///< so many tokens are named
    /// Tokens that there are: rows of the head beyond them are padding and have no probability, as
    /// where answers are chosen.
    int64_t vocabulary = 0;
};

/// Scores each token of `continuation` after `prompt` and those before it. For models that are too
/// large to be loaded: every block is read once. Throws Error("evaluate.context") for a text longer
/// than the model's context, Error("evaluate.not-finite"), Error("forward.token"), Cancelled.
std::vector<ScoredPlace> scoreContinuation(const TransformerWeights& model,
                                           std::span<const Token> prompt,
                                           std::span<const Token> continuation,
                                           const PlaceWish& wish, Progress& progress,
                                           const std::stop_token& stop);

} // namespace caldera
