#include "core/serve/http_answer.h"

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

std::optional<std::string> readBody(const httplib::Request& request,
                                    const httplib::ContentReader& reader,
                                    httplib::Response& response) {
    if (request.is_multipart_form_data()) {
        sendError(response, 400, "The body is a form; JSON (application/json) was needed.", "",
                  "serve.request");
        return std::nullopt;
    }
    std::string body;
    bool isTooLarge = false;
    const bool isWhole = reader([&](const char* bytes, size_t size) {
        isTooLarge = body.size() + size > kMostBodyBytes;
        if (!isTooLarge) {
            body.append(bytes, size);
        }
        return !isTooLarge;
    });
    if (isTooLarge || response.status == 413) {
        sendError(response, 413, "The body has more than 8 MiB, the most that is read here.", "",
                  "serve.too-large");
        return std::nullopt;
    }
    if (!isWhole) {
        sendError(response, 400, "The body broke off before its end.", "", "serve.truncated");
        return std::nullopt;
    }
    return body;
}

} // namespace caldera
