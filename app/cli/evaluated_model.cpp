#include "app/cli/evaluated_model.h"

#include "core/artifact/artifact.h"

namespace caldera::cli {

EvaluatedModel openEvaluated(const std::string& path, torch::Device device,
                             const Invocation& invocation) {
    if (isArtifact(path)) {
        const auto artifact = Artifact::open(path);
        artifact->verify(invocation.stop);
        return {artifact->name(), artifact->hash(), artifactWeights(artifact, device),
                artifact->tokenizer(), artifact->chat()};
    }
    const auto model = openModel(path);
    return {model->name, model->fingerprint, modelWeights(model, device), model->tokenizer,
            model->chat};
}

} // namespace caldera::cli
