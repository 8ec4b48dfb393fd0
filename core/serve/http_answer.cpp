#include "core/serve/http_answer.h"

#include "core/base/printable.h"
#include "core/serve/chunked_body.h"
#include "core/serve/http_server.h"

namespace caldera {

using Json = nlohmann::json;

std::string documentText(const Json& document) {
    return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string errorType(int status) {
    return status >= 500 ? "server_error" : "invalid_request_error";
}

void sendError(httplib::Response& response, int status, const std::string& message,
               const std::string& parameter, const std::string& code) {
    response.status = status;
    response.set_content(errorDocument(message, errorType(status), parameter, code), kJsonType);
}

void sendTooLarge(httplib::Response& response) {
    sendError(response, 413, "The body has more than 8 MiB, the most that is read here.", "",
              "serve.too-large");
}

namespace {

/// Not a form, nor packed; else the response says so.
bool isPlain(const httplib::Request& request, httplib::Response& response) {
    if (request.is_multipart_form_data()) {
        sendError(response, 400, "The body is a form; JSON (application/json) was needed.", "",
                  "serve.request");
        return false;
    }
    const std::string coding = request.get_header_value("Content-Encoding");
    if (!coding.empty() && coding != "identity") {
        sendError(response, 415,
                  "The body is packed (Content-Encoding: " + printable(coding, 40) +
                      "), which is not supported here. Send it as it is, without that header.",
                  "", "serve.coding");
        return false;
    }
    return true;
}

} // namespace

std::optional<std::string> readBody(const httplib::Request& request,
                                    const httplib::ContentReader& reader,
                                    httplib::Response& response) {
    if (!isPlain(request, response)) {
        return std::nullopt;
    }
    std::string body;
    bool isTooLarge = false;
    const auto take = [&](std::string_view bytes) {
        isTooLarge = body.size() + bytes.size() > kMostBodyBytes;
        if (!isTooLarge) {
            body.append(bytes);
        }
        return !isTooLarge;
    };
    const bool isChunked = request.has_header("Transfer-Encoding");
    const bool isWhole = isChunked ? readChunks(HttpServer::currentStream(), take)
                                   : reader([&](const char* bytes, size_t size) {
                                         return take({bytes, size});
                                     });
    if (isTooLarge || response.status == 413) {
        sendTooLarge(response);
        return std::nullopt;
    }
    if (!isWhole) {
        sendError(response, 400,
                  isChunked
                      ? "The body broke off before its end, or its chunks are not framed as HTTP "
                        "wants: before each its length in hexadecimal digits, an empty one at the "
                        "end."
                      : "The body broke off before its end.",
                  "", "serve.truncated");
        return std::nullopt;
    }
    return body;
}

} // namespace caldera
