// Small random models in memory, for tests of whatever runs a model.
#pragma once

#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/model/model.h"

namespace caldera::test {

/// Tensors in memory.
class MemoryWeights : public WeightSource {
public:
    void add(const std::string& name, std::vector<int64_t> shape, std::vector<float> values) {
        infos_.push_back({name, "F32", std::move(shape), values.size() * sizeof(float)});
        values_[name] = std::move(values);
    }
    std::vector<float>& values(const std::string& name) { return values_.at(name); }

    const std::vector<TensorInfo>& tensors() const override { return infos_; }
    const TensorInfo* find(const std::string& name) const override {
        for (const TensorInfo& info : infos_) {
            if (info.name == name) {
                return &info;
            }
        }
        return nullptr;
    }
    void readRows(const std::string& name, int64_t first, int64_t count,
                  std::span<float> out) const override {
        const std::vector<float>& all = values_.at(name);
        const auto columns = static_cast<int64_t>(out.size()) / count;
        std::copy_n(all.begin() + first * columns, out.size(), out.begin());
    }

private:
    std::vector<TensorInfo> infos_;
    std::map<std::string, std::vector<float>> values_;
};

/// Grouped-query attention, biases and an own head: 2 layers, hidden size 32.
inline ModelConfig tinyConfig() {
    ModelConfig config;
    config.architecture = "qwen2";
    config.hiddenSize = 32;
    config.intermediateSize = 48;
    config.layerCount = 2;
    config.headCount = 4;
    config.kvHeadCount = 2;
    config.headSize = 8;
    config.vocabSize = 96;
    config.maxPositions = 64;
    config.attentionBias = true;
    return config;
}

/// One token per printable ASCII character, in order from the space (id 0), and the line feed (95).
inline std::shared_ptr<const Tokenizer> tinyTokenizer() {
    nlohmann::json vocabulary;
    for (int character = 32; character < 127; ++character) {
        const std::string token =
            character == 32 ? "\u0120" : std::string(1, static_cast<char>(character));
        vocabulary[token] = character - 32;
    }
    vocabulary["\u010a"] = 95;
    const nlohmann::json byteLevel = {{"type", "ByteLevel"},
                                      {"add_prefix_space", false},
                                      {"trim_offsets", true},
                                      {"use_regex", true}};
    const nlohmann::json json = {
        {"version", "1.0"},
        {"added_tokens", nlohmann::json::array()},
        {"normalizer", nullptr},
        {"pre_tokenizer", byteLevel},
        {"post_processor", nullptr},
        {"decoder", byteLevel},
        {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", nlohmann::json::array()}}}};
    return Tokenizer::fromJson(json, "tiny tokenizer");
}

/// Random weights, the same for a seed; no tokenizer.
inline std::shared_ptr<MemoryWeights> tinyWeights(const ModelConfig& config, uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    auto weights = std::make_shared<MemoryWeights>();
    const auto add = [&](const std::string& name, std::vector<int64_t> shape, float mean,
                         float deviation) {
        int64_t size = 1;
        for (const int64_t side : shape) {
            size *= side;
        }
        std::vector<float> values(static_cast<size_t>(size));
        for (float& value : values) {
            value = mean + deviation * normal(random);
        }
        weights->add(name, std::move(shape), std::move(values));
    };
    add("model.embed_tokens.weight", {config.vocabSize, config.hiddenSize}, 0, 1);
    for (int layer = 0; layer < config.layerCount; ++layer) {
        const std::string prefix = "model.layers." + std::to_string(layer) + ".";
        add(prefix + "input_layernorm.weight", {config.hiddenSize}, 1, 0.2F);
        add(prefix + "post_attention_layernorm.weight", {config.hiddenSize}, 1, 0.2F);
        for (const Module module : kModules) {
            const MatrixShape shape = config.shapeOf(module);
            add(cellName({layer, module}) + ".weight", {shape.rows, shape.columns}, 0,
                1.5F / std::sqrt(static_cast<float>(shape.columns)));
            if (config.attentionBias && module <= Module::VProj) {
                add(cellName({layer, module}) + ".bias", {shape.rows}, 0, 0.5F);
            }
        }
    }
    add("model.norm.weight", {config.hiddenSize}, 1, 0.2F);
    if (!config.tiedEmbeddings) {
        add("lm_head.weight", {config.vocabSize, config.hiddenSize}, 0, 0.3F);
    }
    return weights;
}

inline std::shared_ptr<Model> tinyModel(uint32_t seed = 1,
                                        const ModelConfig& config = tinyConfig()) {
    auto model = std::make_shared<Model>();
    model->name = "tiny-" + std::to_string(seed);
    model->config = config;
    model->weights = tinyWeights(config, seed);
    model->fingerprint = model->name;
    return model;
}

/// Printable text, the same for a seed.
inline std::string tinyText(size_t length, uint32_t seed = 1) {
    std::mt19937 random(seed);
    std::string text;
    while (text.size() < length) {
        text += static_cast<char>(32 + random() % 95);
    }
    return text;
}

} // namespace caldera::test
