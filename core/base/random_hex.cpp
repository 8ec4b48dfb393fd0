#include "core/base/random_hex.h"

#include <cstdint>
#include <random>
#include <string_view>

namespace caldera {

std::string randomHex(size_t digits) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    constexpr size_t kDigitsOfWord = 8;
    std::random_device device; // the system's, on every Linux
    std::string text;
    uint32_t bits = 0;
    while (text.size() < digits) {
        bits = text.size() % kDigitsOfWord == 0 ? device() : bits >> 4U;
        text += kDigits[bits & 15U];
    }
    return text;
}

} // namespace caldera
