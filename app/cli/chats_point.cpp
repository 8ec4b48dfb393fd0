#include "app/cli/chats_point.h"

#include <algorithm>

#include "core/base/median.h"

namespace caldera::cli {

ChatsPoint pointOf(int prompt, const std::vector<GenerationStatistics>& answers) {
    const auto of = [&answers](double GenerationStatistics::*figure) {
        std::vector<double> values;
        for (const GenerationStatistics& one : answers) {
            values.push_back(one.*figure);
        }
        return values;
    };
    const auto largest = [](const std::vector<double>& values) {
        return *std::max_element(values.begin(), values.end());
    };
    ChatsPoint point{prompt, static_cast<int>(answers.size())};
    point.firstToken = median(of(&GenerationStatistics::timeToFirstToken));
    point.promptSpeed = median(of(&GenerationStatistics::promptTokensPerSecond));
    point.p50 = median(of(&GenerationStatistics::p50));
    point.p95 = largest(of(&GenerationStatistics::p95));
    point.p99 = largest(of(&GenerationStatistics::p99));
    for (const GenerationStatistics& one : answers) {
        point.speed += one.tokensPerSecond;
        point.cacheBytes += one.cacheBytes;
    }
    return point;
}

nlohmann::json toJson(const ChatsPoint& point, int64_t weightBytes, double bandwidth) {
    nlohmann::json json = {{"prompt_tokens", point.prompt},
                           {"chats", point.chats},
                           {"time_to_first_token", point.firstToken},
                           {"prompt_tokens_per_second", point.promptSpeed},
                           {"tokens_per_second", point.speed},
                           {"p50", point.p50},
                           {"p95", point.p95},
                           {"p99", point.p99},
                           {"cache_bytes", point.cacheBytes}};
    if (bandwidth > 0) { // one reading of the weights serves all chats
        json["roofline_share"] =
            point.speed / point.chats * static_cast<double>(weightBytes) / bandwidth;
    }
    return json;
}

} // namespace caldera::cli
