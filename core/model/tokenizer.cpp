#include "core/model/tokenizer.h"

#include <algorithm>
#include <cstdlib>

#include <utf8proc.h>

#include "core/base/error.h"
#include "core/base/pause.h"
#include "core/model/byte_level.h"
#include "core/model/tokenizer_data.h"

namespace caldera {

namespace {

bool isAscii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char byte) { return static_cast<uint8_t>(byte) < 0x80; });
}

/// Tokens of a stretch that holds no added token.
void encodePlain(const Tokenizer::Data& data, std::string_view text, const std::stop_token& stop,
                 std::vector<Token>& out) {
    Pieces pieces;
    pieces.list.push_back(text);
    for (const auto& step : data.preTokenizers) {
        step->split(pieces, stop);
    }
    for (const std::string_view piece : pieces.list) {
        checkCancelled(stop);
        if (data.ignoresMerges) {
            const auto whole = data.vocabulary.find(toByteLevel(piece));
            if (whole != data.vocabulary.end()) {
                out.push_back(whole->second);
                continue;
            }
        }
        data.merges.encode(piece, stop, out);
    }
}

} // namespace

std::string composed(std::string_view text) {
    if (isAscii(text)) {
        return std::string(text);
    }
    utf8proc_uint8_t* mapped = nullptr;
    const auto size =
        utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                     static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                     static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
    if (size < 0) {
        throw Error("tokenizer.normalize", std::string("A text cannot be normalized to NFC: ") +
                                               utf8proc_errmsg(size) + ".");
    }
    return {reinterpret_cast<const char*>(mapped), static_cast<size_t>(size)};
}

Tokenizer::Tokenizer(std::unique_ptr<Data> data) : data_(std::move(data)) {}

Tokenizer::~Tokenizer() = default;

std::vector<Token> Tokenizer::encode(std::string_view text, Special special,
                                     const std::stop_token& stop) const {
    const bool asText = special == Special::AsText;
    std::vector<Token> tokens;
    if (!asText) {
        tokens = data_->prefix;
    }
    const auto encodeNormalized = [&](std::string_view part, const AddedToken* token) {
        if (token != nullptr) {
            tokens.push_back(token->id);
        } else {
            encodePlain(*data_, part, stop, tokens);
        }
    };
    const auto encodeRaw = [&](std::string_view part, const AddedToken* token) {
        if (token != nullptr) {
            tokens.push_back(token->id);
            return;
        }
        const std::string normal = data_->normalizesToNfc ? composed(part) : std::string(part);
        data_->normalizedTokens.visit(normal, asText, encodeNormalized);
    };
    data_->rawTokens.visit(validUtf8(text), asText, encodeRaw);
    return tokens;
}

std::string Tokenizer::decode(std::span<const Token> tokens, bool skipSpecial) const {
    std::string text;
    for (const Token token : tokens) {
        if (token >= 0 && token < size() && !(skipSpecial && isSpecial(token))) {
            text += data_->bytes[token];
        }
    }
    return text;
}

std::optional<Token> Tokenizer::find(std::string_view token) const {
    const auto found = data_->vocabulary.find(std::string(token));
    return found == data_->vocabulary.end() ? std::nullopt : std::optional(found->second);
}

bool Tokenizer::isSpecial(Token token) const {
    return token >= 0 && token < size() && data_->special[token];
}

int Tokenizer::size() const {
    return static_cast<int>(data_->bytes.size());
}

const std::string& Tokenizer::json() const {
    return data_->json;
}

} // namespace caldera
