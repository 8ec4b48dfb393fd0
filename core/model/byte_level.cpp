#include "core/model/byte_level.h"

#include <unordered_map>

#include "core/model/tokenizer.h"

namespace caldera {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool standsForItself(int byte) {
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

/// UTF-8 of a character below U+0800.
std::string shortUtf8(int character) {
    if (character < 0x80) {
        return {static_cast<char>(character)};
    }
    return {static_cast<char>(0xC0 | character >> 6), static_cast<char>(0x80 | (character & 0x3F))};
}

} // namespace

const std::array<std::string, 256>& byteLevelAlphabet() {
    static const auto alphabet = [] {
        std::array<std::string, 256> characters;
        int next = 0x100;
        for (int byte = 0; byte < 256; ++byte) {
            characters[byte] = shortUtf8(standsForItself(byte) ? byte : next++);
        }
        return characters;
    }();
    return alphabet;
}

std::string toByteLevel(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        text += byteLevelAlphabet()[static_cast<uint8_t>(byte)];
    }
    return text;
}

std::optional<std::string> fromByteLevel(std::string_view text) {
    static const auto bytes = [] {
        std::unordered_map<std::string_view, char> map;
        for (int byte = 0; byte < 256; ++byte) {
            map[byteLevelAlphabet()[byte]] = static_cast<char>(byte);
        }
        return map;
    }();
    std::string decoded;
    while (!text.empty()) {
        const int length = utf8Length(text);
        if (length <= 0) {
            return std::nullopt;
        }
        const auto found = bytes.find(text.substr(0, length));
        if (found == bytes.end()) {
            return std::nullopt;
        }
        decoded += found->second;
        text.remove_prefix(length);
    }
    return decoded;
}

int utf8Length(std::string_view text) {
    const auto lead = static_cast<uint8_t>(text[0]);
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xC2 || lead > 0xF4) {
        return -1;
    }
    const int length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    // The second byte is narrower where over-long forms, surrogates and values above U+10FFFF lie.
    const uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (int i = 1; i < length; ++i) {
        if (static_cast<size_t>(i) == text.size()) {
            return 0;
        }
        const auto byte = static_cast<uint8_t>(text[i]);
        if (byte < (i == 1 ? low : 0x80) || byte > (i == 1 ? high : 0xBF)) {
            return -i;
        }
    }
    return length;
}

std::optional<BadByte> firstNotUtf8(std::string_view text) {
    for (std::string_view rest = text; !rest.empty();) {
        const int length = utf8Length(rest);
        if (length <= 0) {
            constexpr std::string_view kDigits = "0123456789ABCDEF";
            const auto byte = static_cast<uint8_t>(rest.front());
            return BadByte{text.size() - rest.size(),
                           {'0', 'x', kDigits[byte >> 4U], kDigits[byte & 15U]}};
        }
        rest.remove_prefix(static_cast<size_t>(length));
    }
    return std::nullopt;
}

std::string validUtf8(std::string_view text) {
    Utf8Stream stream;
    std::string valid = stream.push(text);
    return valid + stream.finish();
}

std::string Utf8Stream::push(std::string_view bytes) {
    pending_ += bytes;
    std::string out;
    std::string_view rest = pending_;
    while (!rest.empty()) {
        const int length = utf8Length(rest);
        if (length == 0) {
            break;
        }
        out += length > 0 ? rest.substr(0, length) : kReplacement;
        rest.remove_prefix(length > 0 ? length : -length);
    }
    pending_ = std::string(rest);
    return out;
}

std::string Utf8Stream::finish() {
    const bool cut = !pending_.empty();
    pending_.clear();
    return std::string(cut ? kReplacement : "");
}

} // namespace caldera
