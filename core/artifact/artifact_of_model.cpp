#include "core/artifact/artifact_data.h"
#include "core/artifact/model_tensors.h"
#include "core/model/chat_template.h"

namespace caldera {

ReadTensors::ReadTensors(std::shared_ptr<const Model> model, const std::vector<TensorSpec>& specs)
    : model_(std::move(model)) {
    for (const TensorSpec& spec : specs) {
        tensors_[spec.name].spec = spec;
    }
}

std::span<const std::byte> ReadTensors::bytes(const std::string& name) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) {
        return {};
    }
    Tensor& tensor = found->second;
    std::call_once(tensor.isRead, [&] { tensor.bytes = modelTensor(*model_, tensor.spec).codes; });
    return tensor.bytes;
}

std::shared_ptr<const Artifact> Artifact::ofModel(std::shared_ptr<const Model> model) {
    auto data = std::make_unique<Data>();
    data->path = model->path;
    data->config = model->config;
    data->tokenizer = model->tokenizer;
    data->chat = model->chat;
    data->plan.model = model->name;
    data->plan.skipLayers = {"*"};
    data->plan.embeddingBits = 16;
    data->plan.headBits = 16;
    data->hash = model->fingerprint;
    data->manifest.name = model->name;
    data->manifest.modelFingerprint = model->fingerprint;
    data->manifest.sizes = planSize(data->plan, data->config);
    const std::vector<TensorSpec> specs = artifactTensors(data->plan, data->config);
    for (const TensorSpec& spec : specs) {
        data->fileBytes += spec.bytes();
    }
    data->original = std::make_unique<const ReadTensors>(std::move(model), specs);
    return std::make_shared<const Artifact>(std::move(data));
}

std::shared_ptr<const Artifact> openServed(const std::filesystem::path& path) {
    std::error_code error;
    const bool isFolder = std::filesystem::is_directory(path, error);
    const bool isModel = isFolder ? std::filesystem::exists(path / "config.json", error) &&
                                        !std::filesystem::exists(path / kManifestFile, error)
                                  : path.extension() == ".gguf";
    return isModel ? Artifact::ofModel(openModel(path)) : Artifact::open(path);
}

} // namespace caldera
