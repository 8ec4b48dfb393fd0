// Whether two metrics name the same cells as the fragile ones.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/report/report.h"

namespace caldera {

/// Spearman's rank correlation, -1 to 1; equal values share the mean of their ranks. Nothing for
/// fewer than 3 pairs and where all values of one side are equal. Both have one length and no NaN.
std::optional<double> spearman(std::span<const double> a, std::span<const double> b);

struct RankCorrelation {
    std::string first, second; ///< names of metrics
    int cells = 0;             ///< that both measured
    double correlation = 0;
};

/// Of every pair of metrics that has one, in the order of the metrics.
std::vector<RankCorrelation> rankCorrelations(std::span<const FidelityMetric> metrics);

} // namespace caldera
