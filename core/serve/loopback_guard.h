// Keeps web pages away from a server that they should not reach.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace caldera {

/// What a server is rightly called by.
struct OwnNames {
    std::string_view bound;                 ///< the address that it listens on
    std::span<const std::string> more = {}; ///< given by a person
};

/// Whether a Host header names this server: 127.0.0.1, localhost, [::1] or one of `own`, with any
/// port, for the port of a forwarded connection is not ours. A page that had its name resolved to
/// this machine (DNS rebinding) sends its own name here; numbers cannot be rebound, so a server
/// that listens on all addresses takes any of them.
bool isOwnHost(std::string_view hostHeader, const OwnNames& own);

/// Whether an Origin header is a page of this very server: http, a name as above, and the port of
/// the Host header.
bool isOwnOrigin(std::string_view origin, std::string_view hostHeader, const OwnNames& own);

} // namespace caldera
