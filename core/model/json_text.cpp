#include "core/model/json_text.h"

#include <unordered_set>

#include "core/base/error.h"
#include "core/base/file.h"

namespace caldera {

namespace {

// nlohmann copies and prints by recursion, so depth is bounded before anything else sees the value.
constexpr int kDeepest = 64;

} // namespace

nlohmann::json parseJson(std::string_view text, const std::string& where, const std::string& code,
                         DuplicateKeys duplicates) {
    using Json = nlohmann::json;
    std::unordered_set<std::string> keys;
    const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
        if (depth > kDeepest) {
            throw Error(code,
                        where + ": the JSON is nested deeper than " + std::to_string(kDeepest) +
                            " levels.",
                        {{"file", where}});
        }
        if (duplicates == DuplicateKeys::RefuseAtTop && depth == 1 &&
            event == Json::parse_event_t::key && !keys.insert(parsed.get<std::string>()).second) {
            throw Error(
                code, where + ": the key \"" + parsed.get<std::string>() + "\" stands there twice.",
                {{"file", where}});
        }
        return true;
    };
    try {
        return Json::parse(text.begin(), text.end(), check);
    } catch (const Json::exception& exception) {
        throw Error(code,
                    where + " is damaged: its JSON cannot be read (" +
                        std::string(exception.what()) + "). Fetch the file again.",
                    {{"file", where}, {"reason", exception.what()}});
    }
}

nlohmann::json readJsonFile(const std::filesystem::path& path, const std::string& code) {
    return parseJson(readTextFile(path), path.string(), code);
}

} // namespace caldera
