#include "core/serve/loopback_guard.h"

#include <algorithm>
#include <arpa/inet.h>
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

std::string lowerCase(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char letter) { return std::tolower(letter); });
    return lower;
}

std::optional<Authority> parseAuthority(std::string_view text) {
    const size_t bracket = text.starts_with('[') ? text.find(']') : 0;
    const size_t colon = bracket == std::string_view::npos ? bracket : text.find(':', bracket);
    Authority authority;
    authority.host = lowerCase(text.substr(0, colon));
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

/// Whether a host, brackets of IPv6 included, is written in numbers.
bool isAddress(const std::string& host) {
    in6_addr six{};
    in_addr four{};
    const bool hasBrackets = host.starts_with('[') && host.ends_with(']');
    return hasBrackets ? ::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &six) == 1
                       : ::inet_pton(AF_INET, host.c_str(), &four) == 1;
}

bool isOwnName(const std::string& host, const OwnNames& own) {
    constexpr std::array<std::string_view, 3> kLoopback = {"127.0.0.1", "localhost", "[::1]"};
    const auto isNamed = [&host](std::string_view name) {
        const std::string lower = lowerCase(name);
        return !name.empty() && (host == lower || host == "[" + lower + "]");
    };
    const bool isEverywhere = own.bound == "0.0.0.0" || own.bound == "::";
    return std::find(kLoopback.begin(), kLoopback.end(), host) != kLoopback.end() ||
           isNamed(own.bound) || std::any_of(own.more.begin(), own.more.end(), isNamed) ||
           (isEverywhere && isAddress(host));
}

} // namespace

bool isOwnHost(std::string_view hostHeader, const OwnNames& own) {
    const auto authority = parseAuthority(hostHeader);
    return authority && isOwnName(authority->host, own);
}

bool isOwnOrigin(std::string_view origin, std::string_view hostHeader, const OwnNames& own) {
    constexpr std::string_view kScheme = "http://";
    if (!origin.starts_with(kScheme)) {
        return false;
    }
    const auto page = parseAuthority(origin.substr(kScheme.size()));
    const auto server = parseAuthority(hostHeader);
    return page && server && isOwnName(page->host, own) && page->port == server->port;
}

} // namespace caldera
