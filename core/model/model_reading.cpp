#include "core/model/model_reading.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/model/gguf_dequantize.h"

namespace caldera {

namespace {

bool isReadable(const std::string& dtype) {
    return dtype == "F64" || parseGgufType(dtype).has_value();
}

class TensorChecker {
public:
    explicit TensorChecker(const ModelParts& parts) : parts_(parts) {}

    void checkAll() const {
        const ModelConfig& config = parts_.config;
        check("model.embed_tokens.weight", {config.vocabSize, config.hiddenSize});
        check("model.norm.weight", {config.hiddenSize});
        if (!config.tiedEmbeddings) {
            check("lm_head.weight", {config.vocabSize, config.hiddenSize});
        }
        for (int layer = 0; layer < config.layerCount; ++layer) {
            checkLayer(layer);
        }
    }

private:
    void checkLayer(int layer) const {
        const ModelConfig& config = parts_.config;
        const std::string prefix = "model.layers." + std::to_string(layer) + ".";
        check(prefix + "input_layernorm.weight", {config.hiddenSize});
        check(prefix + "post_attention_layernorm.weight", {config.hiddenSize});
        for (const Module module : kModules) {
            const std::string name = cellName({layer, module});
            const MatrixShape shape = config.shapeOf(module);
            check(name + ".weight", {shape.rows, shape.columns});
            if (config.attentionBias && inputGroupOf(module) == InputGroup::Qkv) {
                check(name + ".bias", {shape.rows});
            } else {
                refuse(name + ".bias");
            }
        }
    }

    void check(const std::string& name, const std::vector<int64_t>& shape) const {
        const std::string where = parts_.path.string();
        const ErrorArgs args{{"file", where}, {"tensor", name}};
        const TensorInfo* tensor = parts_.weights->find(name);
        if (tensor == nullptr) {
            throw Error("model.tensor-missing",
                        where + ": the tensor \"" + name + "\" " + shapeText(shape) +
                            " is missing. The model is incomplete or its configuration belongs "
                            "to another one.",
                        args);
        }
        if (tensor->shape != shape) {
            throw Error("model.tensor-shape",
                        where + ": the tensor \"" + name + "\" is " + shapeText(tensor->shape) +
                            ", but the configuration needs " + shapeText(shape) + ".",
                        args);
        }
        if (!isReadable(tensor->dtype)) {
            throw Error("model.tensor-type",
                        where + ": the tensor \"" + name + "\" is stored as " + tensor->dtype +
                            ", which is no type of weights; open the original 16-bit model.",
                        args);
        }
    }

    void refuse(const std::string& name) const {
        if (parts_.weights->find(name) != nullptr) {
            throw Error("model.tensor-unexpected",
                        parts_.path.string() + ": the tensor \"" + name + "\" is there, but " +
                            parts_.config.architecture +
                            " models have none of that name here; leaving it out would change "
                            "the model.",
                        {{"file", parts_.path.string()}, {"tensor", name}});
        }
    }

    const ModelParts& parts_;
};

void checkTokenizer(const ModelParts& parts) {
    if (parts.tokenizer->size() > parts.config.vocabSize) {
        throw Error("model.tokenizer-size",
                    parts.path.string() + ": the tokenizer has " +
                        std::to_string(parts.tokenizer->size()) + " tokens, but the model only " +
                        std::to_string(parts.config.vocabSize) +
                        ". They belong to different models.",
                    {{"file", parts.path.string()}});
    }
}

/// A model without a template gets the format whose marks its tokenizer knows.
ChatTemplate chatTemplateOf(const ModelParts& parts) {
    if (const auto format = detectChatFormat(parts.jinjaTemplate)) {
        return {*format, detectDefaultSystem(parts.jinjaTemplate)};
    }
    const bool knowsLlama3 = parts.tokenizer->find("<|start_header_id|>").has_value();
    return {knowsLlama3 ? ChatFormat::Llama3 : ChatFormat::ChatMl, {}};
}

std::string fingerprintOf(const ModelParts& parts) {
    constexpr size_t edge = 64 << 10;
    Sha256 hash;
    hash.update(configToJson(parts.config).dump()).update(parts.tokenizer->json());
    std::vector<const TensorInfo*> tensors;
    for (const TensorInfo& tensor : parts.weights->tensors()) {
        tensors.push_back(&tensor);
    }
    std::sort(tensors.begin(), tensors.end(),
              [](const TensorInfo* a, const TensorInfo* b) { return a->name < b->name; });
    for (const TensorInfo* tensor : tensors) {
        hash.update(tensor->name + "\n" + tensor->dtype + shapeText(tensor->shape) + "\n");
        const auto bytes = parts.weights->storedBytes(tensor->name);
        hash.update(bytes.first(std::min(edge, bytes.size())));
        hash.update(bytes.last(std::min(edge, bytes.size())));
    }
    return hash.hex();
}

std::string modelName(const std::filesystem::path& path) {
    const auto absolute = std::filesystem::absolute(path).lexically_normal();
    const auto file = absolute.has_filename() ? absolute : absolute.parent_path();
    return (file.extension() == ".gguf" ? file.stem() : file.filename()).string();
}

} // namespace

std::shared_ptr<const Model> assembleModel(const ModelParts& parts) {
    TensorChecker(parts).checkAll();
    checkTokenizer(parts);
    auto model = std::make_shared<Model>();
    model->name = modelName(parts.path);
    model->path = parts.path;
    model->config = parts.config;
    model->chat = chatTemplateOf(parts);
    model->fingerprint = fingerprintOf(parts);
    model->weights = parts.weights;
    model->tokenizer = parts.tokenizer;
    return model;
}

} // namespace caldera
