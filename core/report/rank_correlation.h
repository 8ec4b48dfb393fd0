// Whether two metrics name the same cells as the fragile ones.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/report/report.h"

namespace caldera {

/// Spearman's rank correlation, -1 to 1; equal values share the mean of their ranks. Nothing for
/// fewer than 3 pairs and where all values of one side are equal. Both have one length and no NaN.
std::optional<double> spearman(std::span<const double> a, std::span<const double> b);

struct CellCorrelation {
    int cells = 0; ///< that both measured
    double correlation = 0;
};
/// Of the cells that have both values; nothing where spearman() gives nothing.
std::optional<CellCorrelation> correlationOf(const std::map<Cell, double>& a,
                                             const std::map<Cell, double>& b);

/// Cells that two metrics measured at different settings, so that their values tell of different
/// plans.
int differentSettings(const FidelityMetric& a, const FidelityMetric& b);

struct RankCorrelation : CellCorrelation {
    std::string first, second; ///< names of metrics
    int otherSettings = 0;     ///< see differentSettings()
};

/// Of every pair of metrics that has one, in the order of the metrics.
std::vector<RankCorrelation> rankCorrelations(std::span<const FidelityMetric> metrics);

} // namespace caldera
