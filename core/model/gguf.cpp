#include "core/model/gguf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <nlohmann/json.hpp>

#include "core/model/gguf_keys.h"
#include "core/model/gguf_tokenizer.h"
#include "core/model/model_reading.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

struct NamePair {
    std::string_view gguf;
    std::string_view huggingFace;
};

constexpr std::array<NamePair, 3> kModelNames = {{
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
}};

constexpr std::array<NamePair, 9> kLayerNames = {{
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
}};

template <size_t Count>
std::string_view lookUp(const std::array<NamePair, Count>& names, std::string_view gguf) {
    for (const NamePair& pair : names) {
        if (pair.gguf == gguf) {
            return pair.huggingFace;
        }
    }
    return {};
}

/// "blk.3.attn_q.weight" -> "model.layers.3.self_attn.q_proj.weight"; others stay as they are.
std::string huggingFaceName(const std::string& name) {
    const size_t lastDot = name.rfind('.');
    if (lastDot == std::string::npos) {
        return name;
    }
    const std::string_view stem = std::string_view(name).substr(0, lastDot);
    const std::string ending = name.substr(lastDot);
    if (const auto found = lookUp(kModelNames, stem); !found.empty()) {
        return std::string(found) + ending;
    }
    constexpr std::string_view layerPrefix = "blk.";
    const size_t dot = stem.find('.', layerPrefix.size());
    if (!stem.starts_with(layerPrefix) || dot == std::string_view::npos) {
        return name;
    }
    const auto found = lookUp(kLayerNames, stem.substr(dot + 1));
    const auto layer = stem.substr(layerPrefix.size(), dot - layerPrefix.size());
    return found.empty() ? name
                         : "model.layers." + std::string(layer) + "." + std::string(found) + ending;
}

const GgufTensor* findTensor(const GgufFile& file, std::string_view name) {
    for (const GgufTensor& tensor : file.tensors()) {
        if (tensor.name == name) {
            return &tensor;
        }
    }
    return nullptr;
}

/// By how much llama3 scaling divides the frequency of rotary pair `pair`.
double llama3Divisor(const RopeScaling& scaling, double theta, int pair, int headSize) {
    const double wavelength =
        2 * std::numbers::pi * std::pow(theta, 2.0 * pair / static_cast<double>(headSize));
    const double turns = scaling.originalMaxPositions / wavelength;
    if (turns > scaling.highFrequencyFactor) {
        return 1;
    }
    if (turns < scaling.lowFrequencyFactor) {
        return scaling.factor;
    }
    const double smooth = (turns - scaling.lowFrequencyFactor) /
                          (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
    return 1 / ((1 - smooth) / scaling.factor + smooth);
}

/// llama.cpp stores Llama 3.1's scaling as the divisors it leads to. They are taken back to the
/// published parameters, and only if these give the same divisors.
void addScaling(const GgufKeys& keys, const GgufTensor& divisors, double theta, Json& config) {
    std::vector<float> values(
        static_cast<size_t>(rowsAndColumns({divisors.name, {}, divisors.shape, 0}).size()));
    dequantize(divisors.type, divisors.bytes, values);
    RopeScaling scaling;
    for (const float value : values) {
        scaling.factor = std::max(scaling.factor, static_cast<double>(value));
    }
    for (size_t pair = 0; pair < values.size(); ++pair) {
        const double expected = llama3Divisor(scaling, theta, static_cast<int>(pair),
                                              static_cast<int>(2 * values.size()));
        if (!(std::abs(values[pair] - expected) <= 1e-3 * expected)) {
            keys.fail("rope-scaling", "the rotary divisors in \"" + divisors.name +
                                          "\" are not those of llama3 scaling; other scalings are "
                                          "not supported.");
        }
    }
    config["rope_scaling"] = {{"rope_type", "llama3"},
                              {"factor", scaling.factor},
                              {"low_freq_factor", scaling.lowFrequencyFactor},
                              {"high_freq_factor", scaling.highFrequencyFactor},
                              {"original_max_position_embeddings", scaling.originalMaxPositions}};
}

void addTokenIds(const GgufKeys& keys, Json& config) {
    if (const auto begin = keys.integer("tokenizer.ggml.bos_token_id")) {
        config["bos_token_id"] = *begin;
    }
    Json ends = Json::array();
    for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"}) {
        const auto id = keys.integer(key);
        if (id && std::find(ends.begin(), ends.end(), *id) == ends.end()) {
            ends.push_back(*id);
        }
    }
    config["eos_token_id"] = ends;
}

void refuseUnsupported(const GgufKeys& keys, const std::string& architecture) {
    const std::string scaling = keys.text(architecture + ".rope.scaling.type").value_or("none");
    if (scaling != "none") {
        keys.fail("rope-scaling", "the rope scaling \"" + scaling + "\" is not supported.");
    }
    if (keys.integer(architecture + ".expert_count").value_or(0) > 0) {
        keys.fail("architecture", "models with experts are not supported.");
    }
}

/// The metadata as a Hugging Face config.json, so that one parser checks both.
ModelConfig readConfig(const GgufFile& file) {
    const GgufKeys keys(file);
    const auto architecture =
        keys.needed("general.architecture", keys.text("general.architecture"));
    if (architecture != "llama" && architecture != "qwen2") {
        keys.fail("architecture", "the architecture \"" + architecture +
                                      "\" is not supported; \"qwen2\" and \"llama\" are.");
    }
    refuseUnsupported(keys, architecture);
    Json config = {{"model_type", architecture}};
    const auto copySize = [&](const char* name, const std::string& ggufName, bool isNeeded) {
        const std::string key = architecture + "." + ggufName;
        const auto value = keys.integer(key);
        if (value || isNeeded) {
            config[name] = keys.needed(key, value);
        }
    };
    copySize("hidden_size", "embedding_length", true);
    copySize("intermediate_size", "feed_forward_length", true);
    copySize("num_hidden_layers", "block_count", true);
    copySize("num_attention_heads", "attention.head_count", true);
    copySize("num_key_value_heads", "attention.head_count_kv", false);
    copySize("head_dim", "attention.key_length", false);
    copySize("max_position_embeddings", "context_length", false);
    const std::string epsilonKey = architecture + ".attention.layer_norm_rms_epsilon";
    config["rms_norm_eps"] = keys.needed(epsilonKey, keys.number(epsilonKey));
    const double theta = keys.number(architecture + ".rope.freq_base").value_or(10000.0);
    config["rope_theta"] = theta;
    if (const GgufTensor* divisors = findTensor(file, "rope_freqs.weight")) {
        addScaling(keys, *divisors, theta, config);
    }
    const GgufTensor* embedding = findTensor(file, "token_embd.weight");
    if (embedding == nullptr || embedding->shape.size() != 2) {
        keys.fail("tensor-missing", "the matrix \"token_embd.weight\" is missing.");
    }
    config["vocab_size"] = embedding->shape[0];
    config["tie_word_embeddings"] = findTensor(file, "output.weight") == nullptr;
    addTokenIds(keys, config);
    return parseConfig(config, file.path().string());
}

/// Rows per head of tensors whose rows llama.cpp reordered; 0 for all others.
int64_t interleavedHeadSize(const ModelConfig& config, const std::string& ggufName) {
    const bool isReordered =
        config.architecture == "llama" &&
        (ggufName.ends_with(".attn_q.weight") || ggufName.ends_with(".attn_k.weight"));
    return isReordered ? config.headSize : 0;
}

} // namespace

std::shared_ptr<const Model> openGgufModel(const std::filesystem::path& path) {
    const auto file = std::make_shared<const GgufFile>(path);
    ModelParts parts;
    parts.path = path;
    parts.config = readConfig(*file);
    std::vector<MappedTensor> tensors;
    for (const GgufTensor& tensor : file->tensors()) {
        tensors.push_back({{huggingFaceName(tensor.name), std::string(ggufTypeName(tensor.type)),
                            tensor.shape, tensor.bytes.size()},
                           tensor.bytes,
                           path.string(),
                           interleavedHeadSize(parts.config, tensor.name)});
    }
    parts.weights = std::make_shared<MappedWeights>(std::move(tensors), file);
    parts.tokenizer = Tokenizer::fromJson(ggufTokenizerJson(*file), path.string());
    parts.jinjaTemplate = GgufKeys(*file).text("tokenizer.chat_template").value_or("");
    return assembleModel(parts);
}

} // namespace caldera
