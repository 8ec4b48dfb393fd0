#include "core/serve/access_token.h"

#include <algorithm>
#include <cctype>
#include <random>

#include "core/base/hash.h"

namespace caldera {

namespace {

constexpr std::string_view kScheme = "bearer ";

bool startsWithScheme(std::string_view text) {
    return text.size() > kScheme.size() &&
           std::equal(kScheme.begin(), kScheme.end(), text.begin(), [](char a, char b) {
               return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
           });
}

} // namespace

std::string randomAccessToken() {
    constexpr std::string_view kDigits = "0123456789abcdef";
    constexpr int kWords = 8;
    std::random_device device; // the system's, on every Linux
    std::string token;
    for (int word = 0; word < kWords; ++word) {
        auto bits = static_cast<uint32_t>(device());
        for (int digit = 0; digit < 8; ++digit, bits >>= 4U) {
            token += kDigits[bits & 15U];
        }
    }
    return token;
}

bool bearsToken(std::string_view authorization, std::string_view token) {
    if (!startsWithScheme(authorization)) {
        return false;
    }
    // Hashes differ everywhere when one letter does, and have one length.
    const std::string given = sha256Hex(authorization.substr(kScheme.size()));
    const std::string wanted = sha256Hex(token);
    unsigned difference = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
        difference |= static_cast<unsigned char>(given[i] ^ wanted[i]);
    }
    return difference == 0;
}

} // namespace caldera
