// A model or an artifact, ready for a pass block by block.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "app/cli/command.h"
#include "core/forward/transformer.h"

namespace caldera::cli {

struct EvaluatedModel {
    std::string name;
    std::string identity; ///< fingerprint or artifact hash
    std::shared_ptr<const TransformerWeights> weights;
    std::shared_ptr<const Tokenizer> tokenizer;
    ChatTemplate chat;
    std::map<std::string, double> size; ///< "bytes" as stored; of an artifact "bits_per_weight"
};

/// An artifact is read whole anyway, so its checksums are compared first. Throws what openModel(),
/// Artifact::open() and verify() throw.
EvaluatedModel openEvaluated(const std::string& path, torch::Device device,
                             const Invocation& invocation);

} // namespace caldera::cli
