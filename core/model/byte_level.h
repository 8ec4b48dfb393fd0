// UTF-8 and the byte-level alphabet: each byte as one printable character, as GPT-2 writes tokens.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caldera {

/// The character (UTF-8) that stands for each byte: itself when printable, else U+0100 and up.
const std::array<std::string, 256>& byteLevelAlphabet();

/// " the" -> "Ġthe".
std::string toByteLevel(std::string_view bytes);

/// "Ġthe" -> " the"; nullopt when a character is not of the alphabet.
std::optional<std::string> fromByteLevel(std::string_view text);

/// Length of the valid UTF-8 character at the start of `text`, at most 4. 0 when the text ends
/// inside a character that is valid so far; negative: the length of a malformed sequence.
int utf8Length(std::string_view text);

struct BadByte {
    size_t place = 0; ///< from 0
    std::string hex;  ///< "0xFF"
};
/// The first byte that is no UTF-8; nullopt: all of the text is.
std::optional<BadByte> firstNotUtf8(std::string_view text);

/// The text with every malformed sequence replaced by U+FFFD.
std::string validUtf8(std::string_view text);

} // namespace caldera
