#include "core/report/value_interval.h"

#include "core/base/find_value.h"

namespace caldera {

std::optional<double> detailOf(const FidelityMetric& metric, const std::string& detail, Cell cell) {
    const auto found = metric.details.find(detail);
    if (found == metric.details.end()) {
        return std::nullopt;
    }
    return findValue(found->second, cell);
}

std::optional<Interval> intervalOf(const FidelityMetric& metric, const std::string& detail,
                                   Cell cell) {
    const auto low = detailOf(metric, lowEndOf(detail), cell);
    const auto high = detailOf(metric, highEndOf(detail), cell);
    return low && high ? std::optional(Interval{*low, *high}) : std::nullopt;
}

std::optional<Interval> valueInterval(const FidelityMetric& metric, Cell cell) {
    const auto value = metric.values.find(cell);
    const auto error = detailOf(metric, kStandardError, cell);
    if (value != metric.values.end() && error && *error > 0) {
        return interval95(value->second, *error);
    }
    return intervalOf(metric, kNoiseRatio, cell);
}

} // namespace caldera
