#include "core/serve/request_guard.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <utility>

#include "core/serve/access_token.h"
#include "core/serve/http_answer.h"
#include "core/serve/loopback_guard.h"

namespace caldera {

RequestGuard::RequestGuard(std::string token, std::string host, std::vector<std::string> names)
    : token_(std::move(token)), host_(std::move(host)), names_(std::move(names)) {}

namespace {

bool isChunked(std::string coding) {
    std::transform(coding.begin(), coding.end(), coding.begin(),
                   [](unsigned char letter) { return std::tolower(letter); });
    return coding == "chunked";
}

/// Whether the length of the body can be read in one way only (RFC 9112, 6.3).
bool hasOneLength(const httplib::Request& request) {
    const size_t lengths = request.get_header_value_count("Content-Length");
    const std::string length = request.get_header_value("Content-Length");
    const bool isNumber = length.find_first_not_of("0123456789") == std::string::npos;
    if (request.has_header("Transfer-Encoding")) {
        return lengths == 0 && request.get_header_value_count("Transfer-Encoding") == 1 &&
               isChunked(request.get_header_value("Transfer-Encoding"));
    }
    return lengths == 0 || (lengths == 1 && !length.empty() && isNumber);
}

/// Whether its length says that the body is more than is read, also a length beyond 64 bits.
bool isTooLarge(const httplib::Request& request) {
    const std::string length = request.get_header_value("Content-Length");
    uint64_t bytes = 0;
    const auto read = std::from_chars(length.data(), length.data() + length.size(), bytes);
    return read.ec == std::errc::result_out_of_range || bytes > kMostBodyBytes;
}

/// Then the response says so, as of an Origin.
bool hasForeignHost(const httplib::Request& request, const OwnNames& own,
                    httplib::Response& response) {
    if (const size_t hosts = request.get_header_value_count("Host"); hosts > 1) {
        sendError(response, 403, std::to_string(hosts) + " Host headers came; one was needed.", "",
                  "serve.host");
        return true;
    }
    const std::string host = request.get_header_value("Host");
    if (!isOwnHost(host, own)) {
        sendError(response, 403,
                  "The Host header is \"" + host +
                      "\", which is no name of this server. 127.0.0.1, localhost or [::1] is one; "
                      "others are given with --allow-host.",
                  "", "serve.host");
        return true;
    }
    return false;
}

bool hasForeignOrigin(const httplib::Request& request, const OwnNames& own,
                      httplib::Response& response) {
    if (const size_t origins = request.get_header_value_count("Origin"); origins > 1) {
        sendError(response, 403, std::to_string(origins) + " Origin headers came; one is the most.",
                  "", "serve.origin");
        return true;
    }
    const std::string origin = request.get_header_value("Origin");
    if (request.has_header("Origin") &&
        !isOwnOrigin(origin, request.get_header_value("Host"), own)) {
        sendError(response, 403,
                  "The page at \"" + origin +
                      "\" may not use this server; web pages of other origins are refused.",
                  "", "serve.origin");
        return true;
    }
    return false;
}

} // namespace

bool RequestGuard::isRefused(const httplib::Request& request, httplib::Response& response) const {
    if (!hasOneLength(request)) {
        sendError(response, 400,
                  "The body's length is not said in one way: one Content-Length of digits was "
                  "needed, or Transfer-Encoding: chunked without one.",
                  "", "serve.length");
        return true;
    }
    const OwnNames own{host_, names_};
    if (hasForeignHost(request, own, response) || hasForeignOrigin(request, own, response)) {
        return true;
    }
    if (request.get_header_value_count("Authorization") != 1 ||
        !bearsToken(request.get_header_value("Authorization"), token_)) {
        sendError(response, 401,
                  "The header \"Authorization: Bearer TOKEN\" is missing or has another token than "
                  "this server's, which it says when it starts. OpenAI clients take it as their "
                  "API key.",
                  "", "invalid_api_key");
        response.set_header("WWW-Authenticate", "Bearer");
        return true;
    }
    if (isTooLarge(request)) {
        sendTooLarge(response);
        return true;
    }
    return false;
}

} // namespace caldera
