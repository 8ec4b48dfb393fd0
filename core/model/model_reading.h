// What the readers of folders and of GGUF files do alike once they have found the parts.
#pragma once

#include <memory>
#include <string>

#include "core/model/mapped_weights.h"
#include "core/model/model.h"

namespace caldera {

/// The parts of a model as a reader found them.
struct ModelParts {
    std::filesystem::path path;
    ModelConfig config;
    std::shared_ptr<const MappedWeights> weights;
    std::shared_ptr<const Tokenizer> tokenizer;
    std::string jinjaTemplate; ///< empty when the model brings none
};

/// Checks that the parts fit each other, detects the chat template and forms the fingerprint.
/// Throws Error("model.tensor-missing", "model.tensor-shape", "model.tensor-type",
/// "model.tensor-unexpected", "model.tokenizer-size").
std::shared_ptr<const Model> assembleModel(const ModelParts& parts);

} // namespace caldera
