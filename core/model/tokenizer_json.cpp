#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/model/byte_level.h"
#include "core/model/tokenizer_data.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

constexpr Token kLargestToken = (1 << 24) - 1;

/// Builds a tokenizer from tokenizer.json, and says where and why when it cannot.
class TokenizerParser {
public:
    TokenizerParser(const Json& json, std::string where)
        : json_(json), where_(std::move(where)), data_(std::make_unique<Tokenizer::Data>()) {}

    std::unique_ptr<Tokenizer::Data> parse() {
        if (!json_.is_object() || !member(json_, "model").is_object()) {
            fail("format", "an object with a \"model\" is needed");
        }
        const Json& model = json_["model"];
        checkModel(model);
        readNormalizer(member(json_, "normalizer"));
        readVocabulary(member(model, "vocab"));
        readMerges(member(model, "merges"));
        data_->ignoresMerges = flag(model, "ignore_merges");
        readAddedTokens(member(json_, "added_tokens"));
        data_->preTokenizers = parsePreTokenizer(member(json_, "pre_tokenizer"), where_);
        readPostProcessor(member(json_, "post_processor"));
        data_->json = json_.dump();
        return std::move(data_);
    }

private:
    [[noreturn]] void fail(const std::string& code, const std::string& what) const {
        throw Error("tokenizer." + code, where_ + ": " + what + ".", {{"file", where_}});
    }

    static const Json& member(const Json& json, const char* key) {
        static const Json none;
        return json.is_object() && json.contains(key) ? json[key] : none;
    }

    bool flag(const Json& json, const char* key) const {
        const Json& value = member(json, key);
        if (!value.is_null() && !value.is_boolean()) {
            fail("format", std::string("\"") + key + "\" needs to be true or false");
        }
        return value.is_boolean() && value.get<bool>();
    }

    Token tokenId(const Json& value, const std::string& of) const {
        if (!value.is_number_integer() || value.get<double>() < 0 ||
            value.get<double>() > kLargestToken) {
            fail("id", "the id of \"" + of + "\" needs to be a number from 0 to " +
                           std::to_string(kLargestToken));
        }
        return value.get<Token>();
    }

    void checkModel(const Json& model) const {
        const Json& type = member(model, "type");
        if (!type.is_null() && type != "BPE") {
            fail("model", "the tokenizer model " + type.dump() + " is not supported; BPE is");
        }
        for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix", "dropout"}) {
            const Json& value = member(model, key);
            if (!value.is_null() && value != "" && value != 0.0) {
                fail("model", std::string("the setting \"") + key + "\" is not supported");
            }
        }
        if (flag(model, "byte_fallback")) {
            fail("model", "SentencePiece-style tokenizers (byte_fallback) are not supported; "
                          "byte-level ones are");
        }
    }

    void readNormalizer(const Json& normalizer) {
        if (normalizer.is_null()) {
            return;
        }
        const Json& type = member(normalizer, "type");
        if (type == "Sequence" && member(normalizer, "normalizers").is_array()) {
            for (const Json& child : normalizer["normalizers"]) {
                readNormalizer(child);
            }
        } else if (type == "NFC") {
            data_->normalizesToNfc = true;
        } else {
            fail("normalizer", "the normalizer " + type.dump() + " is not supported; NFC is");
        }
    }

    void place(Token id, std::string bytes) {
        if (static_cast<size_t>(id) >= data_->bytes.size()) {
            data_->bytes.resize(id + 1);
            data_->special.resize(id + 1);
        }
        data_->bytes[id] = std::move(bytes);
    }

    void readVocabulary(const Json& vocabulary) {
        if (!vocabulary.is_object() || vocabulary.empty()) {
            fail("vocabulary", "the model needs the object \"vocab\" (token to id)");
        }
        data_->vocabulary.reserve(vocabulary.size());
        for (const auto& [text, value] : vocabulary.items()) {
            const Token id = tokenId(value, text);
            data_->vocabulary.emplace(text, id);
            place(id, fromByteLevel(text).value_or(text));
        }
        for (int byte = 0; byte < 256; ++byte) {
            const auto found = data_->vocabulary.find(byteLevelAlphabet()[byte]);
            if (found != data_->vocabulary.end()) {
                data_->merges.setByteToken(static_cast<uint8_t>(byte), found->second);
            }
        }
    }

    /// A merge is "left right" or ["left", "right"].
    std::pair<std::string, std::string> mergePair(const Json& merge) const {
        if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
            return {merge[0].get<std::string>(), merge[1].get<std::string>()};
        }
        if (merge.is_string()) {
            const auto text = merge.get<std::string>();
            const size_t space = text.find(' ');
            if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
                return {text.substr(0, space), text.substr(space + 1)};
            }
        }
        fail("merge", "the merge " + merge.dump().substr(0, 80) + " is no pair of tokens");
    }

    Token vocabularyToken(const std::string& text) const {
        const auto found = data_->vocabulary.find(text);
        if (found == data_->vocabulary.end()) {
            fail("merge", "a merge names \"" + text + "\", which is not in the vocabulary");
        }
        return found->second;
    }

    void readMerges(const Json& merges) {
        if (!merges.is_array()) {
            fail("merge", "the model needs the list \"merges\"");
        }
        for (const Json& merge : merges) {
            const auto [left, right] = mergePair(merge);
            data_->merges.addMerge(vocabularyToken(left), vocabularyToken(right),
                                   vocabularyToken(left + right));
        }
    }

    void readAddedTokens(const Json& tokens) {
        if (tokens.is_null()) {
            return;
        }
        if (!tokens.is_array()) {
            fail("added-token", "\"added_tokens\" needs to be a list");
        }
        for (const Json& json : tokens) {
            if (!member(json, "content").is_string()) {
                fail("added-token", "every added token needs its \"content\"");
            }
            AddedToken token;
            token.content = json["content"].get<std::string>();
            token.id = tokenId(member(json, "id"), token.content);
            token.special = flag(json, "special");
            token.normalized = flag(json, "normalized");
            token.singleWord = flag(json, "single_word");
            token.leftStrip = flag(json, "lstrip");
            token.rightStrip = flag(json, "rstrip");
            addToken(std::move(token));
        }
    }

    void addToken(AddedToken token) {
        place(token.id, token.content);
        data_->special[token.id] = token.special;
        data_->vocabulary[token.content] = token.id;
        if (!token.normalized) {
            data_->rawTokens.add(std::move(token));
            return;
        }
        if (data_->normalizesToNfc) {
            token.content = composed(token.content);
        }
        data_->normalizedTokens.add(std::move(token));
    }

    /// Of post-processors only a template that puts tokens before the text matters here.
    void readPostProcessor(const Json& processor) {
        const Json& type = member(processor, "type");
        if (type == "Sequence" && member(processor, "processors").is_array()) {
            for (const Json& child : processor["processors"]) {
                readPostProcessor(child);
            }
        } else if (type == "TemplateProcessing") {
            readTemplate(member(processor, "single"), member(processor, "special_tokens"));
        }
    }

    void readTemplate(const Json& parts, const Json& specialTokens) {
        if (!parts.is_array()) {
            fail("post-processor", "TemplateProcessing needs the list \"single\"");
        }
        bool afterText = false;
        for (const Json& part : parts) {
            const Json& id = member(member(part, "SpecialToken"), "id");
            if (!id.is_string()) {
                afterText = true;
                continue;
            }
            if (afterText) {
                fail("post-processor", "tokens added after the text are not supported");
            }
            const auto name = id.get<std::string>();
            const Json& ids = member(member(specialTokens, name.c_str()), "ids");
            if (!ids.is_array()) {
                fail("post-processor",
                     "TemplateProcessing does not say the ids of \"" + name + "\"");
            }
            for (const Json& value : ids) {
                data_->prefix.push_back(tokenId(value, name));
            }
        }
    }

    const Json& json_;
    std::string where_;
    std::unique_ptr<Tokenizer::Data> data_;
};

} // namespace

std::shared_ptr<const Tokenizer> Tokenizer::fromJson(const Json& json, const std::string& where) {
    return std::make_shared<Tokenizer>(TokenizerParser(json, where).parse());
}

} // namespace caldera
