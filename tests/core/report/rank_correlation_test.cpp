#include "core/report/rank_correlation.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace caldera {
namespace {

std::optional<double> of(const std::vector<double>& a, const std::vector<double>& b) {
    return spearman(a, b);
}

TEST(Spearman, LooksAtOrderAlone) {
    EXPECT_DOUBLE_EQ(of({1, 2, 3, 4}, {0.1, 0.2, 40, 1e6}).value(), 1);
    EXPECT_DOUBLE_EQ(of({1, 2, 3, 4}, {4, 3, 2, -9}).value(), -1);
    // 1 - 6 sum d^2 / (n (n^2 - 1)) with differences 1, 1, 0, 1, 1.
    EXPECT_DOUBLE_EQ(of({1, 2, 3, 4, 5}, {2, 1, 3, 5, 4}).value(), 1 - 6.0 * 4 / (5 * 24));
}

TEST(Spearman, EqualValuesShareTheirRank) {
    // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: Pearson's correlation of them.
    EXPECT_NEAR(of({1, 5, 5, 9}, {1, 2, 3, 4}).value(), 4.5 / std::sqrt(4.5 * 5), 1e-12);
}

TEST(Spearman, HasNothingToSayOfTooFewOrOfEqualValues) {
    EXPECT_FALSE(of({1, 2}, {1, 2}));
    EXPECT_FALSE(of({}, {}));
    EXPECT_FALSE(of({1, 2, 3}, {7, 7, 7}));
}

TEST(Spearman, IsNearNothingForUnrelatedValues) {
    std::mt19937_64 random(5);
    std::vector<double> a(2000);
    std::vector<double> b(2000);
    for (size_t i = 0; i < a.size(); ++i) {
        a[i] = static_cast<double>(random());
        b[i] = static_cast<double>(random());
    }
    EXPECT_LT(std::abs(of(a, b).value()), 0.1);
}

TEST(RankCorrelations, WhatIsNoNumberHasNoRank) {
    std::map<Cell, double> some;
    std::map<Cell, double> others;
    for (int layer = 0; layer < 5; ++layer) {
        some[{layer, Module::QProj}] = layer;
        others[{layer, Module::QProj}] = 2 * layer;
    }
    some[{4, Module::QProj}] = std::nan("");
    const auto found = correlationOf(some, others);
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->correlation, 1);
    EXPECT_EQ(found->cells, 4);
    for (auto& [cell, value] : some) {
        value = std::nan("");
    }
    EXPECT_FALSE(correlationOf(some, others).has_value());
}

TEST(RankCorrelations, ComparesTheCellsThatBothMeasured) {
    const auto metric = [](const char* name, const std::vector<double>& values) {
        FidelityMetric made{name, "", {}};
        for (size_t i = 0; i < values.size(); ++i) {
            if (!std::isnan(values[i])) {
                made.values[{static_cast<int>(i), Module::QProj}] = values[i];
            }
        }
        return made;
    };
    const double none = std::nan("");
    const std::vector<FidelityMetric> metrics = {metric("kl", {1, 2, 3, 4, 5}),
                                                 metric("proxy", {9, 1, 2, 3, none}),
                                                 metric("short", {none, none, none, 1, 2})};
    const std::vector<RankCorrelation> found = rankCorrelations(metrics);
    ASSERT_EQ(found.size(), 1U) << "the short one shares too few cells";
    EXPECT_EQ(found[0].first, "kl");
    EXPECT_EQ(found[0].second, "proxy");
    EXPECT_EQ(found[0].cells, 4);
    EXPECT_DOUBLE_EQ(found[0].correlation, 1 - 6.0 * 12 / (4 * 15));
    EXPECT_EQ(found[0].otherSettings, 0) << "nobody knows";
}

TEST(RankCorrelations, CountCellsThatWereMeasuredAtDifferentSettings) {
    std::vector<FidelityMetric> metrics = {{"kl", "", {}}, {"proxy", "", {}}};
    for (int layer = 0; layer < 4; ++layer) {
        const Cell cell{layer, Module::QProj};
        for (FidelityMetric& metric : metrics) {
            metric.values[cell] = layer;
            metric.settings[cell] = {"trellis", 2, 0};
        }
    }
    metrics[0].settings[{1, Module::QProj}].rank = 16;
    metrics[0].settings[{2, Module::QProj}].codec = "e8p";
    metrics[1].settings.erase({3, Module::QProj});
    EXPECT_EQ(rankCorrelations(metrics).at(0).otherSettings, 2);
}

} // namespace
} // namespace caldera
