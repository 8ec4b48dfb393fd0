#include "core/serve/stop_filter.h"

#include <algorithm>
#include <utility>

namespace caldera {

namespace {

/// Length of the longest end of `text` that begins `stop`.
size_t overlap(std::string_view text, std::string_view stop) {
    for (size_t length = std::min(text.size(), stop.size() - 1); length > 0; --length) {
        if (text.substr(text.size() - length) == stop.substr(0, length)) {
            return length;
        }
    }
    return 0;
}

} // namespace

std::string StopFilter::push(std::string_view text) {
    if (found_) {
        return {};
    }
    pending_ += text;
    size_t end = std::string::npos;
    size_t held = 0;
    for (const std::string& stop : stops_) {
        end = std::min(end, pending_.find(stop));
        held = std::max(held, overlap(pending_, stop));
    }
    found_ = end != std::string::npos;
    std::string safe = pending_.substr(0, found_ ? end : pending_.size() - held);
    pending_.erase(0, found_ ? pending_.size() : safe.size());
    return safe;
}

std::string StopFilter::finish() {
    return std::exchange(pending_, {});
}

} // namespace caldera
