// What a decoder-only transformer of the qwen2 or llama family looks like.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/model/module.h"

namespace caldera {

/// Llama 3.1 style frequency scaling of RoPE.
struct RopeScaling {
    double factor = 1.0;
    double lowFrequencyFactor = 1.0;
    double highFrequencyFactor = 4.0;
    int originalMaxPositions = 8192;
};

struct ModelConfig {
    std::string architecture; ///< "qwen2" or "llama"
    int hiddenSize = 0;
    int intermediateSize = 0;
    int layerCount = 0;
    int headCount = 0;
    int kvHeadCount = 0;
    int headSize = 0;
    int vocabSize = 0; ///< rows of the embedding, padding included
    int maxPositions = 0;
    double rmsNormEpsilon = 1e-6;
    double ropeTheta = 10000.0;
    std::optional<RopeScaling> ropeScaling;
    bool tiedEmbeddings = false;
    bool attentionBias = false; ///< q, k and v have biases (always for qwen2)
    std::vector<int32_t> eosTokens;
    std::optional<int32_t> bosToken;

    MatrixShape shapeOf(Module module) const;
    int64_t inputSize(InputGroup group) const; ///< columns of the group's modules
    int64_t cellCount() const { return static_cast<int64_t>(layerCount) * 7; }
    int64_t
    parameterCount() const; ///< embeddings, norms, biases and head included (tied head once)
};

/// Reads a Hugging Face config.json. Throws Error("config.*") naming the file and the key: unknown
/// architecture, missing or non-positive sizes, unsupported rope scaling, sizes that contradict.
ModelConfig parseConfig(const nlohmann::json& json, const std::string& where);
/// The same facts as Hugging Face config.json; parseConfig reads it back.
nlohmann::json configToJson(const ModelConfig& config);

} // namespace caldera
