// What kind of file a JSON document comes from.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace caldera {

/// What the document says under "format"; empty where it says nothing.
inline std::string formatOf(const nlohmann::json& document) {
    if (!document.is_object()) {
        return "";
    }
    const auto format = document.find("format");
    return format != document.end() && format->is_string() ? format->get<std::string>() : "";
}

} // namespace caldera
