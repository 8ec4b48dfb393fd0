#include "core/job/watch_sign.h"

#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace caldera {

namespace {
using Json = nlohmann::json;
}

std::filesystem::path watchSignFile(const JobFolder& folder, const std::string& pod) {
    return folder.path() / watchSignName(pod);
}

std::string watchSignName(const std::string& pod) {
    return "watch-" + pod + ".json";
}

std::string watchSignText(const WatchSign& sign) {
    const Json json{{"looked", sign.hasLooked},
                    {"code", sign.code},
                    {"sentence", sign.sentence},
                    {"verdict", sign.verdict}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

WatchSign parseWatchSign(const std::string& text) {
    try {
        const Json json = Json::parse(text);
        return {json.at("looked").get<bool>(), json.at("code").get<std::string>(),
                json.at("sentence").get<std::string>(), json.at("verdict").get<std::string>()};
    } catch (const Json::exception&) {
        throw Error("watch.sign", "What the watchdog of a pod wrote about itself cannot be read. "
                                  "Another version of this program may have written it.");
    }
}

} // namespace caldera
