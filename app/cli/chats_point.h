// What chats at once came to: one point of the sweep of caldera bench chats.
#pragma once

#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/runtime/engine.h"

namespace caldera::cli {

struct ChatsPoint {
    int prompt = 0; ///< tokens
    int chats = 0;
    double firstToken = 0;            ///< seconds, the median of the chats
    double promptSpeed = 0;           ///< tokens a second of one prompt, the median
    double speed = 0;                 ///< tokens a second of all chats, each as its own statistics
    double p50 = 0, p95 = 0, p99 = 0; ///< seconds between tokens: the median, the largest
    int64_t cacheBytes = 0;           ///< of all
};

/// Of the answers that were made at once to prompts of one length; at least one.
ChatsPoint pointOf(int prompt, const std::vector<GenerationStatistics>& answers);

/// `bandwidth`: bytes a second that the memory gives; 0: not known.
nlohmann::json toJson(const ChatsPoint& point, int64_t weightBytes, double bandwidth);

} // namespace caldera::cli
