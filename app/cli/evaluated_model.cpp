#include "app/cli/evaluated_model.h"

#include "core/artifact/artifact.h"

namespace caldera::cli {

EvaluatedModel openEvaluated(const std::string& path, torch::Device device,
                             const Invocation& invocation) {
    if (isArtifact(path)) {
        const auto artifact = Artifact::open(path);
        artifact->verify(invocation.stop);
        return {artifact->name(),
                artifact->hash(),
                artifactWeights(artifact, device),
                artifact->tokenizer(),
                artifact->chat(),
                {{"bits_per_weight", artifact->bitsPerWeight()},
                 {"bytes", static_cast<double>(artifact->fileBytes())}}};
    }
    const auto model = openModel(path);
    uint64_t bytes = 0;
    for (const TensorInfo& tensor : model->weights->tensors()) {
        bytes += tensor.bytes;
    }
    return {model->name,      model->fingerprint, modelWeights(model, device),
            model->tokenizer, model->chat,        {{"bytes", static_cast<double>(bytes)}}};
}

} // namespace caldera::cli
