#include "core/report/rank_correlation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace caldera {

namespace {

/// Ranks from 1 on; equal values share the mean of theirs. All are numbers: what is none has no
/// rank.
std::vector<double> ranksOf(std::span<const double> values) {
    std::vector<size_t> order(values.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return values[a] < values[b]; });
    std::vector<double> ranks(values.size());
    for (size_t first = 0; first < order.size();) {
        size_t end = first;
        while (end < order.size() && values[order[end]] == values[order[first]]) {
            ++end;
        }
        const double shared = static_cast<double>(first + end + 1) / 2;
        for (; first < end; ++first) {
            ranks[order[first]] = shared;
        }
    }
    return ranks;
}

} // namespace

std::optional<double> spearman(std::span<const double> a, std::span<const double> b) {
    if (a.size() < 3) {
        return std::nullopt;
    }
    const std::vector<double> first = ranksOf(a);
    const std::vector<double> second = ranksOf(b);
    const double mean = (static_cast<double>(a.size()) + 1) / 2;
    double product = 0;
    double firstSquares = 0;
    double secondSquares = 0;
    for (size_t i = 0; i < first.size(); ++i) {
        product += (first[i] - mean) * (second[i] - mean);
        firstSquares += (first[i] - mean) * (first[i] - mean);
        secondSquares += (second[i] - mean) * (second[i] - mean);
    }
    if (firstSquares == 0 || secondSquares == 0) {
        return std::nullopt;
    }
    return product / std::sqrt(firstSquares * secondSquares);
}

std::optional<CellCorrelation> correlationOf(const std::map<Cell, double>& a,
                                             const std::map<Cell, double>& b) {
    std::vector<double> first;
    std::vector<double> second;
    for (const auto& [cell, value] : a) {
        const auto other = b.find(cell);
        if (other != b.end() && !std::isnan(value) && !std::isnan(other->second)) {
            first.push_back(value);
            second.push_back(other->second);
        }
    }
    const auto correlation = spearman(first, second);
    return correlation
               ? std::optional(CellCorrelation{static_cast<int>(first.size()), *correlation})
               : std::nullopt;
}

int differentSettings(const FidelityMetric& a, const FidelityMetric& b) {
    return static_cast<int>(
        std::count_if(a.settings.begin(), a.settings.end(), [&b](const auto& measured) {
            const auto other = b.settings.find(measured.first);
            return other != b.settings.end() && other->second != measured.second;
        }));
}

std::vector<RankCorrelation> rankCorrelations(std::span<const FidelityMetric> metrics) {
    std::vector<RankCorrelation> correlations;
    for (size_t i = 0; i < metrics.size(); ++i) {
        for (size_t j = i + 1; j < metrics.size(); ++j) {
            if (const auto found = correlationOf(metrics[i].values, metrics[j].values)) {
                correlations.push_back({*found, metrics[i].name, metrics[j].name,
                                        differentSettings(metrics[i], metrics[j])});
            }
        }
    }
    return correlations;
}

} // namespace caldera
