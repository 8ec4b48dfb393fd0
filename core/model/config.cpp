#include "core/model/config.h"

#include <array>
#include <limits>
#include <string_view>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/text.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

// Far above any real model, and small enough that products of two fit in 64 bits.
constexpr int kLargestSize = 1 << 26;
constexpr int kMostLayers = 1 << 14;

/// Reads keys of one JSON object and names file and key in every complaint.
class KeyReader {
public:
    KeyReader(const Json& json, std::string where) : json_(json), where_(std::move(where)) {}

    [[noreturn]] void fail(const std::string& code, const std::string& key,
                           const std::string& sentence) const {
        throw Error("config." + code, where_ + ": " + sentence, {{"file", where_}, {"key", key}});
    }

    bool has(const char* key) const { return json_.contains(key) && !json_.at(key).is_null(); }

    int size(const char* key, int largest = kLargestSize) const {
        if (!has(key)) {
            fail("key-missing", key,
                 std::string("the key \"") + key + "\" is missing; a positive number is needed.");
        }
        const Json& value = json_.at(key);
        if (!value.is_number_integer() || value.get<double>() < 1 ||
            value.get<double>() > largest) {
            fail("size", key,
                 std::string("\"") + key + "\" is " + brief(value) + "; a whole number from 1 to " +
                     std::to_string(largest) + " is needed.");
        }
        return value.get<int>();
    }

    int sizeOr(const char* key, int fallback) const { return has(key) ? size(key) : fallback; }

    double positiveOr(const char* key, double fallback) const {
        if (!has(key)) {
            return fallback;
        }
        const Json& value = json_.at(key);
        if (!value.is_number() || !(value.get<double>() > 0) || value.get<double>() > 1e300) {
            fail("number", key,
                 std::string("\"") + key + "\" is " + brief(value) +
                     "; a number above 0 is needed.");
        }
        return value.get<double>();
    }

    bool boolOr(const char* key, bool fallback) const {
        if (!has(key)) {
            return fallback;
        }
        if (!json_.at(key).is_boolean()) {
            fail("bool", key,
                 std::string("\"") + key + "\" is " + brief(json_.at(key)) +
                     "; true or false is needed.");
        }
        return json_.at(key).get<bool>();
    }

    std::string textOr(const char* key, const std::string& fallback) const {
        if (!has(key)) {
            return fallback;
        }
        if (!json_.at(key).is_string()) {
            fail("text", key,
                 std::string("\"") + key + "\" is " + brief(json_.at(key)) + "; a text is needed.");
        }
        return json_.at(key).get<std::string>();
    }

    /// One id, a list of ids, or nothing.
    std::vector<int32_t> tokens(const char* key) const {
        std::vector<int32_t> ids;
        if (!has(key)) {
            return ids;
        }
        const Json& value = json_.at(key);
        for (const Json& id : value.is_array() ? value : Json::array({value})) {
            if (!id.is_number_integer() || id.get<double>() < 0 ||
                id.get<double>() > std::numeric_limits<int32_t>::max()) {
                fail("token", key,
                     std::string("\"") + key + "\" holds " + brief(id) + "; a token id is needed.");
            }
            ids.push_back(id.get<int32_t>());
        }
        return ids;
    }

    KeyReader child(const char* key) const {
        if (!json_.at(key).is_object()) {
            fail("object", key, std::string("\"") + key + "\" needs to be an object.");
        }
        return {json_.at(key), where_};
    }

private:
    static std::string brief(const Json& value) {
        std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
        if (text.size() > 60) {
            text = text.substr(0, 57) + "...";
        }
        return text;
    }

    const Json& json_;
    std::string where_;
};

void readScaling(const KeyReader& keys, const char* section, ModelConfig& config) {
    const std::string type = keys.textOr("rope_type", keys.textOr("type", "default"));
    if (type == "default") {
        return;
    }
    if (type != "llama3") {
        keys.fail("rope-scaling", section,
                  "rope scaling \"" + type +
                      "\" is not supported; use a model with none or with \"llama3\" scaling.");
    }
    RopeScaling scaling;
    scaling.factor = keys.positiveOr("factor", scaling.factor);
    scaling.lowFrequencyFactor = keys.positiveOr("low_freq_factor", scaling.lowFrequencyFactor);
    scaling.highFrequencyFactor = keys.positiveOr("high_freq_factor", scaling.highFrequencyFactor);
    scaling.originalMaxPositions =
        keys.sizeOr("original_max_position_embeddings", scaling.originalMaxPositions);
    if (scaling.highFrequencyFactor <= scaling.lowFrequencyFactor) {
        keys.fail("rope-scaling", section,
                  "\"high_freq_factor\" (" + numberText(scaling.highFrequencyFactor) +
                      ") needs to be above \"low_freq_factor\" (" +
                      numberText(scaling.lowFrequencyFactor) + ").");
    }
    config.ropeScaling = scaling;
}

/// transformers 5 keeps theta and scaling in "rope_parameters", earlier versions beside each other.
void readRope(const KeyReader& keys, ModelConfig& config) {
    config.ropeTheta = keys.positiveOr("rope_theta", config.ropeTheta);
    for (const char* section : {"rope_parameters", "rope_scaling"}) {
        if (keys.has(section)) {
            const KeyReader rope = keys.child(section);
            config.ropeTheta = rope.positiveOr("rope_theta", config.ropeTheta);
            readScaling(rope, section, config);
            return;
        }
    }
}

void readSizes(const KeyReader& keys, ModelConfig& config) {
    config.hiddenSize = keys.size("hidden_size");
    config.intermediateSize = keys.size("intermediate_size");
    config.layerCount = keys.size("num_hidden_layers", kMostLayers);
    config.headCount = keys.size("num_attention_heads");
    config.kvHeadCount = keys.sizeOr("num_key_value_heads", config.headCount);
    config.vocabSize = keys.size("vocab_size");
    config.maxPositions = keys.sizeOr("max_position_embeddings", 2048);
    if (!keys.has("head_dim") && config.hiddenSize % config.headCount != 0) {
        keys.fail("sizes", "num_attention_heads",
                  "\"hidden_size\" (" + std::to_string(config.hiddenSize) +
                      ") is not a multiple of \"num_attention_heads\" (" +
                      std::to_string(config.headCount) + ") and \"head_dim\" is not given.");
    }
    config.headSize = keys.sizeOr("head_dim", config.hiddenSize / config.headCount);
    if (config.headSize % 2 != 0) {
        keys.fail("sizes", "head_dim",
                  "the head size is " + std::to_string(config.headSize) +
                      "; rotary embeddings need an even one.");
    }
    if (static_cast<int64_t>(config.headCount) * config.headSize > kLargestSize) {
        keys.fail("sizes", "head_dim", "\"num_attention_heads\" x \"head_dim\" is too large.");
    }
    if (config.headCount % config.kvHeadCount != 0) {
        keys.fail("sizes", "num_key_value_heads",
                  "\"num_attention_heads\" (" + std::to_string(config.headCount) +
                      ") is not a multiple of \"num_key_value_heads\" (" +
                      std::to_string(config.kvHeadCount) + ").");
    }
}

void refuseUnsupported(const KeyReader& keys, const ModelConfig& config) {
    const std::string activation = keys.textOr("hidden_act", "silu");
    if (activation != "silu") {
        keys.fail("activation", "hidden_act",
                  "the activation \"" + activation + "\" is not supported; \"silu\" is.");
    }
    if (keys.has("quantization_config")) {
        keys.fail("quantized", "quantization_config",
                  "these weights are quantized already; open the original 16-bit model.");
    }
    if (keys.boolOr("use_sliding_window", false)) {
        keys.fail("sliding-window", "use_sliding_window",
                  "sliding-window attention is not supported.");
    }
    for (const char* key : {"attention_bias", "mlp_bias"}) {
        if (config.architecture == "llama" && keys.boolOr(key, false)) {
            keys.fail("bias", key,
                      std::string("llama models with \"") + key + "\" are not supported.");
        }
    }
}

} // namespace

MatrixShape ModelConfig::shapeOf(Module module) const {
    const int64_t queries = static_cast<int64_t>(headCount) * headSize;
    const int64_t keys = static_cast<int64_t>(kvHeadCount) * headSize;
    switch (module) {
    case Module::QProj:
        return {queries, hiddenSize};
    case Module::KProj:
    case Module::VProj:
        return {keys, hiddenSize};
    case Module::OProj:
        return {hiddenSize, queries};
    case Module::GateProj:
    case Module::UpProj:
        return {intermediateSize, hiddenSize};
    case Module::DownProj:
        break;
    }
    return {hiddenSize, intermediateSize};
}

int64_t ModelConfig::inputSize(InputGroup group) const {
    switch (group) {
    case InputGroup::O:
        return shapeOf(Module::OProj).columns;
    case InputGroup::Down:
        return intermediateSize;
    case InputGroup::Qkv:
    case InputGroup::GateUp:
        break;
    }
    return hiddenSize;
}

int64_t ModelConfig::parameterCount() const {
    int64_t layer = 2 * static_cast<int64_t>(hiddenSize);
    for (const Module module : kModules) {
        layer += shapeOf(module).size();
    }
    if (attentionBias) {
        layer += shapeOf(Module::QProj).rows + 2 * shapeOf(Module::KProj).rows;
    }
    const int64_t table = static_cast<int64_t>(vocabSize) * hiddenSize;
    return layer * layerCount + table * (tiedEmbeddings ? 1 : 2) + hiddenSize;
}

ModelConfig parseConfig(const Json& json, const std::string& where) {
    if (!json.is_object()) {
        throw Error("config.object", where + " is not a JSON object; a config.json is needed.",
                    {{"file", where}});
    }
    const KeyReader keys(json, where);
    ModelConfig config;
    config.architecture = keys.textOr("model_type", "");
    if (config.architecture != "qwen2" && config.architecture != "llama") {
        keys.fail("architecture", "model_type",
                  config.architecture.empty()
                      ? std::string("\"model_type\" is missing; \"qwen2\" or \"llama\" is needed.")
                      : "the architecture \"" + config.architecture +
                            "\" is not supported; \"qwen2\" and \"llama\" are.");
    }
    readSizes(keys, config);
    readRope(keys, config);
    refuseUnsupported(keys, config);
    config.rmsNormEpsilon = keys.positiveOr("rms_norm_eps", config.rmsNormEpsilon);
    config.tiedEmbeddings = keys.boolOr("tie_word_embeddings", false);
    config.attentionBias = config.architecture == "qwen2";
    config.eosTokens = keys.tokens("eos_token_id");
    const auto bos = keys.tokens("bos_token_id");
    if (!bos.empty()) {
        config.bosToken = bos.front();
    }
    return config;
}

Json configToJson(const ModelConfig& config) {
    Json json = {
        {"architectures",
         {config.architecture == "qwen2" ? "Qwen2ForCausalLM" : "LlamaForCausalLM"}},
        {"model_type", config.architecture},
        {"hidden_act", "silu"},
        {"hidden_size", config.hiddenSize},
        {"intermediate_size", config.intermediateSize},
        {"num_hidden_layers", config.layerCount},
        {"num_attention_heads", config.headCount},
        {"num_key_value_heads", config.kvHeadCount},
        {"head_dim", config.headSize},
        {"vocab_size", config.vocabSize},
        {"max_position_embeddings", config.maxPositions},
        {"rms_norm_eps", config.rmsNormEpsilon},
        {"rope_theta", config.ropeTheta},
        {"tie_word_embeddings", config.tiedEmbeddings},
    };
    if (config.ropeScaling) {
        json["rope_scaling"] = {
            {"rope_type", "llama3"},
            {"factor", config.ropeScaling->factor},
            {"low_freq_factor", config.ropeScaling->lowFrequencyFactor},
            {"high_freq_factor", config.ropeScaling->highFrequencyFactor},
            {"original_max_position_embeddings", config.ropeScaling->originalMaxPositions},
        };
    }
    if (config.eosTokens.size() == 1) {
        json["eos_token_id"] = config.eosTokens.front();
    } else if (!config.eosTokens.empty()) {
        json["eos_token_id"] = config.eosTokens;
    }
    if (config.bosToken) {
        json["bos_token_id"] = *config.bosToken;
    }
    return json;
}

} // namespace caldera
