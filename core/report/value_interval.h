// How sure the numbers of a cell are, and of an evaluation.
#pragma once

#include <optional>
#include <string>

#include "core/report/report.h"
#include "core/report/standard_error.h"

namespace caldera {

// Of the details of the metric "sipit". The ends of an interval of 95 % stand beside a number, with
// "_low" and "_high" after its name; the noise ratio itself is the cell's value.
inline constexpr const char* kNoiseRatio = "rho";
inline constexpr const char* kRecovery = "recovery";
inline constexpr const char* kMargin = "margin";

/// The fact that says why an evaluation's numbers have no ends beside them.
inline constexpr const char* kNoInterval = "no_interval";
/// The fact of the folder that holds the predictions of the reference which it was made against.
inline constexpr const char* kKeptPredictions = "kept";

inline std::string lowEndOf(const std::string& detail) {
    return detail + "_low";
}
inline std::string highEndOf(const std::string& detail) {
    return detail + "_high";
}

/// nullopt: the metric does not say it of this cell.
std::optional<double> detailOf(const FidelityMetric& metric, const std::string& detail, Cell cell);
/// The 95 % around a detail; nullopt: not known.
std::optional<Interval> intervalOf(const FidelityMetric& metric, const std::string& detail,
                                   Cell cell);
/// The 95 % around the cell's value; nullopt: not known.
std::optional<Interval> valueInterval(const FidelityMetric& metric, Cell cell);

} // namespace caldera
