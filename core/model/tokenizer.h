// Byte-level BPE as Hugging Face `tokenizers` does it for Qwen2, Llama 3, SmolLM2 and GPT-2.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace caldera {

using Token = int32_t;

/// Immutable and thread-safe.
class Tokenizer {
public:
    /// From the parsed contents of tokenizer.json. Throws Error("tokenizer.*") naming `where`.
    static std::shared_ptr<const Tokenizer> fromJson(const nlohmann::json& json,
                                                     const std::string& where);
    ~Tokenizer();

    /// Parse: a whole text as Hugging Face encodes it: "<|im_end|>" in it is one token, and the
    /// tokenizer's begin token is put before it (Llama 3). AsText: a fragment in which nothing
    /// becomes a special token and nothing is put before it.
    enum class Special { Parse, AsText };
    /// A megabyte takes up to two seconds; a stop ends it by throwing Cancelled.
    std::vector<Token> encode(std::string_view text, Special special = Special::Parse,
                              const std::stop_token& stop = {}) const;
    /// Bytes may end inside a UTF-8 character; see Utf8Stream.
    std::string decode(std::span<const Token> tokens, bool skipSpecial = true) const;

    std::optional<Token> find(std::string_view token) const; ///< "<|im_end|>" -> id
    bool isSpecial(Token token) const;
    int size() const; ///< highest id + 1
    /// tokenizer.json text that fromJson reads back to the same tokenizer (GGUF sources too).
    const std::string& json() const;

    struct Data;
    explicit Tokenizer(std::unique_ptr<Data> data); ///< for the readers in this folder

private:
    std::unique_ptr<Data> data_;
};

/// Holds back bytes that do not yet form a whole UTF-8 character; invalid bytes become U+FFFD.
class Utf8Stream {
public:
    std::string push(std::string_view bytes);
    std::string finish();

private:
    std::string pending_;
};

} // namespace caldera
