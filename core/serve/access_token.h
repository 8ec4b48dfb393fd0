// The secret that every request to a server bears.
#pragma once

#include <string>
#include <string_view>

namespace caldera {

/// 64 hexadecimal digits from the system's random source.
std::string randomAccessToken();

/// Whether an Authorization header is "Bearer TOKEN". The time it takes tells nothing about how
/// much of the token was right.
bool bearsToken(std::string_view authorization, std::string_view token);

} // namespace caldera
