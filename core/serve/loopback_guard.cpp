#include "core/serve/loopback_guard.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

namespace caldera {

namespace {

struct Authority {
    std::string host; ///< lower case, brackets included
    int port = 80;
};

std::optional<Authority> parseAuthority(std::string_view text) {
    const size_t bracket = text.starts_with('[') ? text.find(']') : 0;
    const size_t colon = bracket == std::string_view::npos ? bracket : text.find(':', bracket);
    Authority authority;
    authority.host = text.substr(0, colon);
    std::transform(authority.host.begin(), authority.host.end(), authority.host.begin(),
                   [](unsigned char letter) { return std::tolower(letter); });
    if (colon != std::string_view::npos) {
        const std::string_view digits = text.substr(colon + 1);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), authority.port);
        if (error != std::errc() || end != digits.data() + digits.size() || authority.port < 1 ||
            authority.port > 65535) {
            return std::nullopt;
        }
    }
    return authority;
}

bool isOwnName(const std::string& host, std::string_view ownHost) {
    constexpr std::array<std::string_view, 3> kLoopback = {"127.0.0.1", "localhost", "[::1]"};
    return std::find(kLoopback.begin(), kLoopback.end(), host) != kLoopback.end() ||
           (!ownHost.empty() && (host == ownHost || host == "[" + std::string(ownHost) + "]"));
}

} // namespace

bool isOwnHost(std::string_view hostHeader, std::string_view ownHost) {
    const auto authority = parseAuthority(hostHeader);
    return authority && isOwnName(authority->host, ownHost);
}

bool isOwnOrigin(std::string_view origin, std::string_view hostHeader, std::string_view ownHost) {
    constexpr std::string_view kScheme = "http://";
    if (!origin.starts_with(kScheme)) {
        return false;
    }
    const auto page = parseAuthority(origin.substr(kScheme.size()));
    const auto server = parseAuthority(hostHeader);
    return page && server && isOwnName(page->host, ownHost) && page->port == server->port;
}

} // namespace caldera
