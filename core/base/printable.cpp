#include "core/base/printable.h"

#include <algorithm>

namespace caldera {

namespace {

constexpr std::string_view kLeftOut = " ... ";

bool isInsideCharacter(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

bool isControl(char byte) {
    const auto code = static_cast<unsigned char>(byte);
    return code < 0x20 || code == 0x7F;
}

} // namespace

std::string printable(std::string_view text, size_t most) {
    std::string result(text);
    if (text.size() > most) {
        const size_t kept = (std::max<size_t>(most, 16) - kLeftOut.size()) / 2;
        size_t head = kept;
        while (head > 0 && isInsideCharacter(text[head])) {
            --head;
        }
        size_t tail = text.size() - kept;
        while (tail < text.size() && isInsideCharacter(text[tail])) {
            ++tail;
        }
        result = std::string(text.substr(0, head)).append(kLeftOut).append(text.substr(tail));
    }
    std::replace_if(result.begin(), result.end(), isControl, ' ');
    return result;
}

} // namespace caldera
