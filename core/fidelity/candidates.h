// Which tokens are tried in the place of the true one.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include <torch/types.h>

#include "core/forward/continuations.h"
#include "core/job/progress.h"
#include "core/model/model.h"

namespace caldera {

/// `count` places of tokens [n, t], or as many as there are, seeded, each once, in text order.
/// First tokens are none of them: attention sinks at them.
std::vector<TokenPlace> samplePlaces(const torch::Tensor& tokens, int64_t count, uint64_t seed);

struct CandidateSettings {
    int64_t count = 128; ///< of a place, the true token included
    uint64_t seed = 0;
};

/// Tokens [places, count] int64, each once in its row and the true one first: a third of the
/// others are its nearest neighbours among the embeddings, a third what the model holds most likely
/// there, the rest random. Special tokens and rows without a token are never among the others. Of a
/// small vocabulary all are taken. One pass through the model, which tells how far it is. Throws
/// Error("fidelity.vocabulary") for fewer than two tokens to try, Cancelled.
torch::Tensor candidateTokens(const Model& model, const TransformerWeights& weights,
                              const torch::Tensor& tokens, const std::vector<TokenPlace>& places,
                              const CandidateSettings& settings, Progress& progress,
                              const std::stop_token& stop);

} // namespace caldera
