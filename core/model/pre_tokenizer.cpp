#include "core/model/pre_tokenizer.h"

#include <functional>
#include <optional>
#include <utility>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/pause.h"

namespace caldera {

const char* const kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

namespace {

using Json = nlohmann::json;

template <auto Function>
struct Freer {
    template <typename T>
    void operator()(T* pointer) const {
        Function(pointer);
    }
};

// Unicode White_Space, which `\s` means to Hugging Face's engine. PCRE2's own `\s` adds U+180E.
constexpr const char* kWhiteSpace = R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a})"
                                    R"(\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

std::string withExplicitWhiteSpace(const std::string& pattern) {
    std::string rewritten;
    bool inClass = false;
    for (size_t i = 0; i < pattern.size(); ++i) {
        const char character = pattern[i];
        if (character != '\\' || i + 1 == pattern.size()) {
            inClass = character == '[' || (inClass && character != ']');
            rewritten += character;
            continue;
        }
        const char escaped = pattern[++i];
        if (escaped == 's') {
            rewritten += inClass ? kWhiteSpace : "[" + std::string(kWhiteSpace) + "]";
        } else if (escaped == 'S' && !inClass) {
            rewritten += "[^" + std::string(kWhiteSpace) + "]";
        } else {
            rewritten += {'\\', escaped};
        }
    }
    return rewritten;
}

std::string pcreMessage(int code) {
    PCRE2_UCHAR text[256] = {};
    pcre2_get_error_message(code, text, sizeof(text));
    return reinterpret_cast<const char*>(text);
}

/// A compiled pattern, UTF-8, with Unicode classes.
class Regex {
public:
    Regex(const std::string& pattern, bool literal, const std::string& where) : where_(where) {
        const std::string source = literal ? pattern : withExplicitWhiteSpace(pattern);
        const uint32_t options =
            literal ? PCRE2_UTF | PCRE2_LITERAL : PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
        int code = 0;
        PCRE2_SIZE offset = 0;
        code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(),
                                  options, &code, &offset, nullptr));
        if (!code_) {
            throw Error("tokenizer.regex",
                        where + ": the pre-tokenizer's pattern cannot be compiled: " +
                            pcreMessage(code) + ".",
                        {{"file", where}, {"pattern", pattern}});
        }
        pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE); // without it the interpreter matches
    }

    /// Calls visit(part, isMatch) for matches and what lies between, in order, none empty.
    void visitParts(std::string_view text,
                    const std::function<void(std::string_view, bool)>& visit) const {
        const std::unique_ptr<pcre2_match_data, Freer<pcre2_match_data_free>> match(
            pcre2_match_data_create_from_pattern(code_.get(), nullptr));
        size_t done = 0;   // end of what was visited
        size_t search = 0; // where the next match may begin
        while (search < text.size()) {
            const int found =
                pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                            search, PCRE2_NO_UTF_CHECK, match.get(), nullptr);
            if (found == PCRE2_ERROR_NOMATCH) {
                break;
            }
            if (found < 0) {
                throw Error("tokenizer.regex",
                            where_ + ": the pre-tokenizer's pattern failed on a text of " +
                                std::to_string(text.size()) + " bytes: " + pcreMessage(found) + ".",
                            {{"file", where_}});
            }
            const PCRE2_SIZE* range = pcre2_get_ovector_pointer(match.get());
            if (range[1] <= range[0]) { // an empty match splits nothing
                search = nextCharacter(text, std::max(search, range[0]));
                continue;
            }
            if (range[0] > done) {
                visit(text.substr(done, range[0] - done), false);
            }
            visit(text.substr(range[0], range[1] - range[0]), true);
            done = search = range[1];
        }
        if (done < text.size()) {
            visit(text.substr(done), false);
        }
    }

private:
    static size_t nextCharacter(std::string_view text, size_t position) {
        do {
            ++position;
        } while (position < text.size() && (static_cast<uint8_t>(text[position]) & 0xC0) == 0x80);
        return position;
    }

    std::unique_ptr<pcre2_code, Freer<pcre2_code_free>> code_;
    std::string where_;
};

/// Split and Digits: matches and gaps become pieces, or one of the two is dropped.
class RegexSplit final : public PreTokenizer {
public:
    RegexSplit(Regex regex, std::optional<bool> dropped)
        : regex_(std::move(regex)), dropped_(dropped) {}

    void split(Pieces& pieces, const std::stop_token& stop) const override {
        std::vector<std::string_view> parts;
        for (const std::string_view piece : pieces.list) {
            regex_.visitParts(piece, [&](std::string_view part, bool isMatch) {
                checkCancelled(stop);
                if (!dropped_ || isMatch != *dropped_) {
                    parts.push_back(part);
                }
            });
        }
        pieces.list = std::move(parts);
    }

private:
    Regex regex_;
    std::optional<bool> dropped_; ///< true: matches are dropped; false: what lies between them
};

class PrefixSpace final : public PreTokenizer {
public:
    void split(Pieces& pieces, const std::stop_token& stop) const override {
        for (std::string_view& piece : pieces.list) {
            checkCancelled(stop);
            if (!piece.starts_with(' ')) {
                piece = pieces.owned.emplace_back(" " + std::string(piece));
            }
        }
    }
};

class PreTokenizerParser {
public:
    explicit PreTokenizerParser(std::string where) : where_(std::move(where)) {}

    void parse(const Json& json) {
        const std::string type =
            json.is_object() && json.contains("type") && json["type"].is_string()
                ? json["type"].get<std::string>()
                : std::string("of no type");
        if (ended_) {
            fail("nothing may follow ByteLevel, but " + type + " does");
        }
        if (type == "Sequence") {
            parseSequence(json);
        } else if (type == "Split") {
            parseSplit(json);
        } else if (type == "Digits") {
            addRegex(flag(json, "individual_digits", false) ? R"(\p{N})" : R"(\p{N}+)");
        } else if (type == "ByteLevel") {
            parseByteLevel(json);
        } else {
            fail("the pre-tokenizer " + type + " is not supported");
        }
    }

    std::vector<std::unique_ptr<const PreTokenizer>> finish() {
        if (!ended_) {
            fail("the pre-tokenizer does not end in ByteLevel");
        }
        return std::move(steps_);
    }

private:
    [[noreturn]] void fail(const std::string& what) const {
        throw Error("tokenizer.pre-tokenizer",
                    where_ + ": " + what +
                        ". Byte-level tokenizers as those of Qwen2, Llama 3, SmolLM2 and GPT-2 "
                        "can be read.",
                    {{"file", where_}});
    }

    bool flag(const Json& json, const char* key, bool fallback) const {
        if (!json.contains(key)) {
            return fallback;
        }
        if (!json[key].is_boolean()) {
            fail(std::string("\"") + key + "\" needs to be true or false");
        }
        return json[key].get<bool>();
    }

    void addRegex(const std::string& pattern, bool literal = false,
                  std::optional<bool> dropped = std::nullopt) {
        steps_.push_back(std::make_unique<RegexSplit>(Regex(pattern, literal, where_), dropped));
    }

    void parseSequence(const Json& json) {
        if (!json.contains("pretokenizers") || !json["pretokenizers"].is_array()) {
            fail("a Sequence needs the list \"pretokenizers\"");
        }
        for (const Json& child : json["pretokenizers"]) {
            parse(child);
        }
    }

    void parseSplit(const Json& json) {
        const Json pattern = json.value("pattern", Json::object());
        const bool literal = pattern.is_object() && pattern.contains("String");
        const char* kind = literal ? "String" : "Regex";
        if (!pattern.is_object() || !pattern.contains(kind) || !pattern[kind].is_string()) {
            fail("a Split needs a \"pattern\" with a \"Regex\" or \"String\"");
        }
        const Json behavior = json.value("behavior", Json());
        std::optional<bool> dropped;
        if (behavior == "Removed") {
            dropped = !flag(json, "invert", false);
        } else if (behavior != "Isolated") {
            fail("the Split behavior " + behavior.dump() + " is not supported");
        }
        addRegex(pattern[kind].get<std::string>(), literal, dropped);
    }

    void parseByteLevel(const Json& json) {
        if (flag(json, "add_prefix_space", true)) {
            steps_.push_back(std::make_unique<PrefixSpace>());
        }
        if (flag(json, "use_regex", true)) {
            addRegex(kGpt2Pattern);
        }
        ended_ = true;
    }

    std::string where_;
    std::vector<std::unique_ptr<const PreTokenizer>> steps_;
    bool ended_ = false;
};

} // namespace

std::vector<std::unique_ptr<const PreTokenizer>> parsePreTokenizer(const Json& json,
                                                                   const std::string& where) {
    PreTokenizerParser parser(where);
    parser.parse(json);
    return parser.finish();
}

} // namespace caldera
