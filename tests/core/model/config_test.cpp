#include "core/model/config.h"

#include <nlohmann/json.hpp>

#include "core/base/file.h"
#include "tests/core/model/test_support.h"

using namespace caldera;
using caldera::test::codeOf;
using Json = nlohmann::json;

namespace {

Json qwen2Small() {
    return Json::parse(R"({"model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864,
        "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2,
        "vocab_size": 151936, "max_position_embeddings": 32768, "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0, "tie_word_embeddings": true, "hidden_act": "silu",
        "bos_token_id": 151643, "eos_token_id": 151645, "use_sliding_window": false})");
}

std::string codeWith(const std::string& key, const Json& value) {
    Json json = qwen2Small();
    json[key] = value;
    return codeOf([&] { parseConfig(json, "config.json"); });
}

} // namespace

TEST(Config, ReadsQwen2AndCountsItsParameters) {
    const ModelConfig config = parseConfig(qwen2Small(), "config.json");
    EXPECT_EQ(config.headSize, 64);
    EXPECT_TRUE(config.attentionBias);
    EXPECT_EQ(config.shapeOf(Module::KProj), (MatrixShape{128, 896}));
    EXPECT_EQ(config.shapeOf(Module::DownProj), (MatrixShape{896, 4864}));
    EXPECT_EQ(config.inputSize(InputGroup::Down), 4864);
    EXPECT_EQ(config.cellCount(), 168);
    EXPECT_EQ(config.parameterCount(), 494032768); // as published for Qwen2-0.5B
}

TEST(Config, SurvivesPrintingAndReading) {
    for (const char* name : {"qwen2-untied", "qwen2-tied", "llama-untied", "llama-tied",
                             "llama3-untied", "llama3-tied"}) {
        const auto path = test::golden("transformers") / name / "config.json";
        const ModelConfig config = parseConfig(Json::parse(readTextFile(path)), path.string());
        const Json printed = configToJson(config);
        EXPECT_EQ(configToJson(parseConfig(printed, name)), printed) << name;
        EXPECT_EQ(config.ropeScaling.has_value(), std::string(name).starts_with("llama3")) << name;
    }
}

TEST(Config, ReadsRopeSettingsOfBothGenerations) {
    Json old = qwen2Small();
    old["model_type"] = "llama";
    old["rope_theta"] = 500000.0;
    old["rope_scaling"] = {{"rope_type", "llama3"},
                           {"factor", 8.0},
                           {"low_freq_factor", 1.0},
                           {"high_freq_factor", 4.0},
                           {"original_max_position_embeddings", 8192}};
    Json current = old;
    current.erase("rope_theta");
    current.erase("rope_scaling");
    current["rope_parameters"] = old["rope_scaling"];
    current["rope_parameters"]["rope_theta"] = 500000.0;
    EXPECT_EQ(configToJson(parseConfig(old, "a")), configToJson(parseConfig(current, "b")));
    EXPECT_EQ(parseConfig(current, "b").ropeScaling->factor, 8.0);
}

TEST(Config, RefusesWhatItCannotRun) {
    EXPECT_EQ(codeWith("model_type", "gpt_bigcode"), "config.architecture");
    EXPECT_EQ(codeWith("hidden_act", "gelu"), "config.activation");
    EXPECT_EQ(codeWith("rope_scaling", {{"type", "yarn"}, {"factor", 4.0}}), "config.rope-scaling");
    EXPECT_EQ(codeWith("quantization_config", {{"bits", 4}}), "config.quantized");
    EXPECT_EQ(codeWith("use_sliding_window", true), "config.sliding-window");
    Json llama = qwen2Small();
    llama["model_type"] = "llama";
    llama["attention_bias"] = true;
    EXPECT_EQ(codeOf([&] { parseConfig(llama, "config.json"); }), "config.bias");
}

TEST(Config, RefusesSizesThatAreMissingWrongOrContradict) {
    EXPECT_EQ(codeWith("hidden_size", nullptr), "config.key-missing");
    EXPECT_EQ(codeWith("hidden_size", 0), "config.size");
    EXPECT_EQ(codeWith("hidden_size", -896), "config.size");
    EXPECT_EQ(codeWith("hidden_size", 896.5), "config.size");
    EXPECT_EQ(codeWith("hidden_size", "896"), "config.size");
    EXPECT_EQ(codeWith("num_hidden_layers", 1000000000000), "config.size");
    EXPECT_EQ(codeWith("num_key_value_heads", 3), "config.sizes");
    EXPECT_EQ(codeWith("num_attention_heads", 13), "config.sizes");
    EXPECT_EQ(codeWith("head_dim", 63), "config.sizes");
    EXPECT_EQ(codeWith("rms_norm_eps", 0), "config.number");
    EXPECT_EQ(codeWith("tie_word_embeddings", 1), "config.bool");
    EXPECT_EQ(codeWith("eos_token_id", "end"), "config.token");
    EXPECT_EQ(codeOf([] { parseConfig(Json::array(), "config.json"); }), "config.object");
}

TEST(Config, NamesFileAndKeyInItsComplaint) {
    Json json = qwen2Small();
    json["hidden_size"] = -1;
    try {
        parseConfig(json, "some/config.json");
        FAIL();
    } catch (const Error& error) {
        const std::string sentence = error.what();
        EXPECT_NE(sentence.find("some/config.json"), std::string::npos);
        EXPECT_NE(sentence.find("hidden_size"), std::string::npos);
        EXPECT_NE(sentence.find("-1"), std::string::npos);
    }
}
