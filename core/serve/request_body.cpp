#include "core/serve/request_body.h"

#include "core/base/json_text.h"
#include "core/model/byte_level.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& sentence) {
    throw RequestError("", sentence);
}

Json parsed(std::string_view body) {
    try {
        return Json::parse(body);
    } catch (const Json::parse_error& error) {
        refuse("The body is not JSON: it breaks off or is wrong at byte " +
               std::to_string(error.byte) + ".");
    } catch (const Json::out_of_range&) {
        refuse("The body holds a number that is too large.");
    }
}

} // namespace

Json parseRequestBody(std::string_view body, const std::string& keys) {
    if (const auto bad = firstNotUtf8(body)) {
        refuse("The body is not UTF-8, as JSON has to be: byte " + std::to_string(bad->place) +
               " is " + bad->hex + ".");
    }
    if (nestsTooDeep(body)) {
        refuse("The lists and objects of the body are nested too deeply.");
    }
    Json json = parsed(body);
    if (!json.is_object()) {
        refuse("The body is " + std::string(json.type_name()) + "; a JSON object with \"" + keys +
               "\" was needed.");
    }
    return json;
}

} // namespace caldera
