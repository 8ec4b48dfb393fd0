// Keeps web pages away from a server that only this machine should reach.
#pragma once

#include <string>
#include <string_view>

namespace caldera {

/// Whether a Host header names this machine: 127.0.0.1, localhost, [::1] or `ownHost`, with any
/// port, for the port of a forwarded connection is not ours. A page that had its name resolved to
/// this machine (DNS rebinding) sends its own name here.
bool isOwnHost(std::string_view hostHeader, std::string_view ownHost);

/// Whether an Origin header is a page of this very server: http, a name as above, and the port of
/// the Host header.
bool isOwnOrigin(std::string_view origin, std::string_view hostHeader, std::string_view ownHost);

} // namespace caldera
