// Bodies of requests as JSON objects, and what is said of those that cannot be taken.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace caldera {

/// The client asked for something that cannot be done (HTTP 400). `parameter` is the key.
class RequestError : public Error {
public:
    RequestError(std::string parameter, const std::string& sentence)
        : Error("serve.request", sentence, {{"parameter", parameter}}),
          parameter_(std::move(parameter)) {}
    const std::string& parameter() const noexcept { return parameter_; }

private:
    std::string parameter_;
};

/// `keys`: what the sentence says is needed, with quotes between them. Throws RequestError for a
/// body that is no UTF-8, no JSON, no object, or nested so deeply that it could not be copied.
nlohmann::json parseRequestBody(std::string_view body, const std::string& keys);

} // namespace caldera
