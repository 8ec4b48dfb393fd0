// caldera bench decode ARTIFACT: whole steps of a compressed model, and nothing around them.
#pragma once

#include <memory>
#include <random>
#include <stop_token>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/artifact/artifact.h"
#include "core/runtime/engine_settings.h"

namespace caldera::cli {

struct ArtifactSteps {
    std::shared_ptr<const Artifact> artifact;
    EngineSettings settings; ///< all but context and chats
    int position = 128;      ///< tokens before the first one that is timed
    int tokens = 64;         ///< that are timed
    uint64_t seed = 1;       ///< of the tokens before
};

/// What a token of one chat takes: a step of the backend and the choice of the likeliest token,
/// without scheduler, server and client. Throws what opening throws, Error("engine.*"), Cancelled.
nlohmann::ordered_json timeArtifact(const ArtifactSteps& steps, const std::stop_token& stop);

/// Ordinary tokens, drawn from those that the model can choose.
std::vector<Token> randomPrompt(const Artifact& artifact, int length, std::mt19937_64& random);

} // namespace caldera::cli
