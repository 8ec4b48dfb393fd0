#include "core/summary/letters.h"

#include "core/model/byte_level.h"

namespace caldera {

std::u32string lettersOf(std::string_view text) {
    const std::string sound = validUtf8(text);
    std::u32string letters;
    for (size_t at = 0; at < sound.size();) {
        const auto first = static_cast<unsigned char>(sound[at]);
        const int length = utf8Length(std::string_view(sound).substr(at));
        char32_t letter = length == 1 ? first : first & (0xFFU >> (length + 1));
        for (int next = 1; next < length; ++next) {
            letter = (letter << 6U) |
                     (static_cast<unsigned char>(sound[at + static_cast<size_t>(next)]) & 0x3FU);
        }
        letters += letter;
        at += static_cast<size_t>(length);
    }
    return letters;
}

} // namespace caldera
