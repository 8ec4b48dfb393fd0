#include "core/model/gguf_tokenizer.h"

#include "core/model/gguf_keys.h"
#include "core/model/pre_tokenizer.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

// Token types of llama.cpp.
constexpr int64_t kControlToken = 3;
constexpr int64_t kUserDefinedToken = 4;
constexpr int64_t kUnusedToken = 5;

constexpr const char* kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

Json byteLevel(bool usesPattern) {
    return {{"type", "ByteLevel"},
            {"add_prefix_space", false},
            {"trim_offsets", true},
            {"use_regex", usesPattern}};
}

Json splitThenByteLevel(const char* pattern) {
    return {{"type", "Sequence"},
            {"pretokenizers",
             {{{"type", "Split"},
               {"pattern", {{"Regex", pattern}}},
               {"behavior", "Isolated"},
               {"invert", false}},
              byteLevel(false)}}};
}

Json digitsThenByteLevel() {
    return {
        {"type", "Sequence"},
        {"pretokenizers", {{{"type", "Digits"}, {"individual_digits", true}}, byteLevel(true)}}};
}

bool isLlama3(const std::string& name) {
    return name == "llama-bpe" || name == "llama3" || name == "llama-v3";
}

Json preTokenizerJson(const GgufKeys& keys, const std::string& name) {
    if (name == "smollm") {
        return digitsThenByteLevel();
    }
    if (name == "qwen2") {
        return splitThenByteLevel(kQwen2Pattern);
    }
    if (isLlama3(name)) {
        return splitThenByteLevel(kLlama3Pattern);
    }
    if (name == "gpt-2" || name == "gpt2" || name == "default") {
        return byteLevel(true);
    }
    keys.fail("tokenizer", "the pre-tokenizer \"" + name +
                               "\" is not supported; smollm, qwen2, llama-bpe, gpt-2 and default "
                               "are. Open the model's folder with tokenizer.json instead.");
}

/// Fills "vocab" and "added_tokens" from tokens and their types.
void addTokens(const GgufKeys& keys, Json& json, const std::vector<std::string>& tokens) {
    const auto types = keys.integers("tokenizer.ggml.token_type");
    if (types && types->size() != tokens.size()) {
        keys.fail("tokenizer", "there are " + std::to_string(tokens.size()) + " tokens, but " +
                                   std::to_string(types->size()) + " token types.");
    }
    Json& vocabulary = json["model"]["vocab"];
    for (size_t id = 0; id < tokens.size(); ++id) {
        const int64_t type = types ? (*types)[id] : 1;
        if (type == kControlToken || type == kUserDefinedToken) {
            json["added_tokens"].push_back({{"id", id},
                                            {"content", tokens[id]},
                                            {"single_word", false},
                                            {"lstrip", false},
                                            {"rstrip", false},
                                            {"normalized", false},
                                            {"special", type == kControlToken}});
        }
        if (type != kUnusedToken) {
            vocabulary.emplace(tokens[id], id);
        }
    }
}

Json beginTemplate(const GgufKeys& keys, const std::vector<std::string>& tokens) {
    const auto id =
        keys.needed("tokenizer.ggml.bos_token_id", keys.integer("tokenizer.ggml.bos_token_id"));
    if (id < 0 || id >= static_cast<int64_t>(tokens.size())) {
        keys.fail("tokenizer", "the begin token " + std::to_string(id) + " is no token.");
    }
    const std::string& begin = tokens[id];
    const Json first = {{"SpecialToken", {{"id", begin}, {"type_id", 0}}}};
    const auto text = [](const char* name, int type) {
        return Json{{"Sequence", {{"id", name}, {"type_id", type}}}};
    };
    return {{"type", "TemplateProcessing"},
            {"single", {first, text("A", 0)}},
            {"pair", {first, text("A", 0), first, text("B", 1)}},
            {"special_tokens", {{begin, {{"id", begin}, {"ids", {id}}, {"tokens", {begin}}}}}}};
}

} // namespace

Json ggufTokenizerJson(const GgufFile& file) {
    const GgufKeys keys(file);
    const auto kind = keys.needed("tokenizer.ggml.model", keys.text("tokenizer.ggml.model"));
    if (kind != "gpt2") {
        keys.fail("tokenizer",
                  "the tokenizer \"" + kind + "\" is not supported; byte-level BPE (\"gpt2\") is.");
    }
    const auto tokens = keys.needed("tokenizer.ggml.tokens", keys.texts("tokenizer.ggml.tokens"));
    const std::string pre = keys.text("tokenizer.ggml.pre").value_or("default");
    Json json = {
        {"version", "1.0"},
        {"truncation", nullptr},
        {"padding", nullptr},
        {"added_tokens", Json::array()},
        {"normalizer", nullptr},
        {"pre_tokenizer", preTokenizerJson(keys, pre)},
        {"post_processor", byteLevel(true)},
        {"decoder", byteLevel(true)},
        {"model",
         {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", isLlama3(pre)},
          {"vocab", Json::object()},
          {"merges", keys.needed("tokenizer.ggml.merges", keys.texts("tokenizer.ggml.merges"))}}}};
    if (pre == "qwen2") {
        json["normalizer"] = {{"type", "NFC"}};
    }
    addTokens(keys, json, tokens);
    if (keys.boolean("tokenizer.ggml.add_bos_token").value_or(isLlama3(pre))) {
        json["post_processor"] = beginTemplate(keys, tokens);
    }
    return json;
}

} // namespace caldera
