// What the routes of the server have in common: errors as documents, and bodies with a bound.
#pragma once

#include <new>
#include <optional>
#include <string>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/serve/chat_request.h"
#include "core/serve/request_body.h"

namespace caldera {

inline constexpr const char* kJsonType = "application/json";
inline constexpr size_t kMostBodyBytes = 8U << 20;

/// Bytes that are no UTF-8 become U+FFFD.
std::string documentText(const nlohmann::json& document);

/// OpenAI's "type" of an error.
std::string errorType(int status);

void sendError(httplib::Response& response, int status, const std::string& message,
               const std::string& parameter = {}, const std::string& code = {});

/// That the body has more than kMostBodyBytes.
void sendTooLarge(httplib::Response& response);

/// Nothing when the body is larger than we take, breaks off or is a form; the response says so.
std::optional<std::string> readBody(const httplib::Request& request,
                                    const httplib::ContentReader& reader,
                                    httplib::Response& response);

/// Runs `work`; what it throws becomes `report(status, sentence, parameter, code)`.
template <class Work, class Report>
void reportingErrors(const Work& work, const Report& report) {
    try {
        work();
    } catch (const RequestError& error) {
        report(400, error.what(), error.parameter(), error.code());
    } catch (const Error& error) {
        const bool isClients = error.code() == "chat.role" || error.code() == "engine.sampling" ||
                               error.code() == "engine.context-full";
        report(isClients ? 400 : 500, error.what(), "", error.code());
    } catch (const std::bad_alloc&) {
        report(500, "The machine has not enough memory for this request.", "", "memory");
    } catch (const std::exception& error) {
        report(500, std::string("Unexpected failure: ") + error.what(), "", "internal");
    }
}

} // namespace caldera
