#include "core/serve/access_token.h"

#include <algorithm>
#include <cctype>

#include "core/base/hash.h"
#include "core/base/random_hex.h"

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
    constexpr size_t kDigits = 64;
    return randomHex(kDigits);
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
