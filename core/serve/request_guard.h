// Who may ask: the token, the Host and the Origin of every request.
#pragma once

#include <string>
#include <vector>

#include <httplib.h>

namespace caldera {

/// Looks at a request before its body is read.
class RequestGuard {
public:
    /// `host`: the address that the server is bound to; `names`: others it is reached by.
    RequestGuard(std::string token, std::string host, std::vector<std::string> names);

    /// Answers a request that may not be answered with 400, 401, 403 or 413.
    bool isRefused(const httplib::Request& request, httplib::Response& response) const;

private:
    std::string token_;
    std::string host_;
    std::vector<std::string> names_;
};

} // namespace caldera
