// Which tensors an artifact holds: one truth for writing, opening and checking.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "core/model/config.h"
#include "core/plan/plan.h"

namespace caldera {

inline constexpr const char* kArtifactFormat = "caldera-artifact";
inline constexpr int kArtifactMajor = 1;
inline constexpr const char* kManifestFile = "manifest.json";
inline constexpr const char* kEmbeddingName = "model.embed_tokens";
inline constexpr const char* kHeadName = "lm_head";

struct TensorSpec {
    std::string name;
    std::string dtype; ///< of safetensors
    std::vector<int64_t> shape;
    std::string file;
    int64_t bytes() const;
};

/// "model-00003-of-00025.safetensors"; `index` counts from 0. One file a layer, in order, then one
/// for embeddings, norms and head.
std::string shardName(int index, int count);

/// Codecs of all matrices that the plan compresses.
std::set<std::string> artifactCodecs(const Plan& plan, const ModelConfig& config);

/// All tensors in the order in which they are written.
std::vector<TensorSpec> artifactTensors(const Plan& plan, const ModelConfig& config);

} // namespace caldera
