#include "core/report/option_error.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/code_of.h"

namespace caldera {
namespace {

using Options = std::vector<FidelityOption>;

const Options kTable = {{2, 0, 0.3}, {2, 64, 0.2}, {3, 0, 0.16}, {3, 64, 0.1}};

OptionError at(const Options& options, double bits, int rank) {
    return ErrorTable(options).at(bits, rank);
}

TEST(OptionError, MeasuredSettingsComeBackAsTheyAre) {
    for (const FidelityOption& option : kTable) {
        const OptionError error = at(kTable, option.bits, option.rank);
        EXPECT_NEAR(error.relativeError, option.relativeError, 1e-12);
        EXPECT_EQ(error.origin, ErrorOrigin::Measured);
    }
}

TEST(OptionError, BetweenThemTheLogarithmIsLinear) {
    EXPECT_NEAR(at(kTable, 2, 32).relativeError, std::sqrt(0.3 * 0.2), 1e-12);
    EXPECT_NEAR(at(kTable, 2.5, 0).relativeError, std::sqrt(0.3 * 0.16), 1e-12);
    EXPECT_NEAR(at(kTable, 2.5, 64).relativeError, std::sqrt(0.2 * 0.1), 1e-12);
    for (const auto& [bits, rank] : {std::pair(2.0, 32), {2.5, 0}, {2.5, 16}}) {
        EXPECT_EQ(at(kTable, bits, rank).origin, ErrorOrigin::Interpolated);
    }
}

TEST(OptionError, OutsideItSaysSoAndPromisesLittle) {
    EXPECT_EQ(at(kTable, 2, 128).origin, ErrorOrigin::Extrapolated);
    EXPECT_NEAR(at(kTable, 2, 128).relativeError, 0.2, 1e-12);
    EXPECT_EQ(at(kTable, 1, 0).origin, ErrorOrigin::Extrapolated);
    EXPECT_NEAR(at(kTable, 1, 0).relativeError, std::sqrt(0.3), 1e-12);
    EXPECT_NEAR(at(kTable, 0, 0).relativeError, 1, 1e-12);
    EXPECT_EQ(at(kTable, 4, 0).origin, ErrorOrigin::Extrapolated);
    EXPECT_NEAR(at(kTable, 4, 0).relativeError, 0.08, 1e-12);
}

/// A plan that was solved and is measured again has ranks at bits that nothing else is measured at.
TEST(OptionError, MoreRankAtSomeBitsSaysNothingOfLess) {
    const Options options = {{2, 0, 0.3},  {2, 64, 0.2}, {2.5, 64, 0.14},
                             {3, 0, 0.16}, {3, 64, 0.1}, {4, 64, 0.05}};
    EXPECT_NEAR(at(options, 2.5, 64).relativeError, 0.14, 1e-12);
    EXPECT_NEAR(at(options, 2.5, 0).relativeError, std::sqrt(0.3 * 0.16), 1e-12);
    EXPECT_EQ(at(options, 2.5, 0).origin, ErrorOrigin::Interpolated);
    EXPECT_NEAR(at(options, 3, 0).relativeError, 0.16, 1e-12);
    EXPECT_NEAR(at(options, 4, 0).relativeError, 0.08, 1e-12);
}

TEST(OptionError, OneSettingIsEnough) {
    const Options one = {{2, 64, 0.2}};
    EXPECT_NEAR(at(one, 2, 64).relativeError, 0.2, 1e-12);
    EXPECT_NEAR(at(one, 2, 0).relativeError, 0.2, 1e-12);
    EXPECT_EQ(at(one, 2, 0).origin, ErrorOrigin::Extrapolated);
    EXPECT_NEAR(at(one, 3, 64).relativeError, 0.1, 1e-12);
}

TEST(OptionError, NothingMeasuredIsAnError) {
    EXPECT_EQ(test::codeOf([] { at({}, 2, 0); }), "report.options");
}

TEST(OptionError, NeverGrowsWithBitsOrRankWhateverWasMeasured) {
    const unsigned seed = std::random_device()();
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform(0, 1);
    for (int round = 0; round < 300; ++round) {
        Options options; // no grid, errors without any order, some of them 0
        for (const double bits : {0.0, 1.5, 2.0, 3.0, 4.0}) {
            for (const int rank : {0, 16, 64, 256}) {
                if (uniform(random) < 0.6) {
                    options.push_back({bits, rank, uniform(random) < 0.1 ? 0 : uniform(random)});
                }
            }
        }
        if (options.empty()) {
            continue;
        }
        for (int pair = 0; pair < 50; ++pair) {
            const double bits = 5 * uniform(random);
            const int rank = static_cast<int>(random() % 300);
            const double moreBits = bits + (5 - bits) * uniform(random);
            const int moreRank = rank + static_cast<int>(random() % 100);
            const double error = at(options, bits, rank).relativeError;
            ASSERT_TRUE(std::isfinite(error) && error >= 0) << "seed " << seed;
            const double better = at(options, moreBits, moreRank).relativeError;
            ASSERT_LE(better, error * (1 + 1e-12)) << "seed " << seed << " round " << round;
        }
    }
}

TEST(OptionError, WhatIsLoweredToFewerBitsOrLessRankIsNotMeasured) {
    const std::vector<FidelityOption> options = {{2, 0, 0.2}, {2, 64, 0.3}, {3, 0, 0.25}};
    EXPECT_EQ(at(options, 2, 0).origin, ErrorOrigin::Measured);
    EXPECT_EQ(at(options, 2, 64).origin, ErrorOrigin::Interpolated);
    EXPECT_EQ(at(options, 3, 0).origin, ErrorOrigin::Interpolated);
}

TEST(OptionError, NeverPromisesLessThanEverWasMeasured) {
    const unsigned seed = std::random_device()();
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform(0.01, 1);
    for (int round = 0; round < 100; ++round) {
        Options options;
        for (const double bits : {1.5, 2.0, 3.0}) {
            for (const int rank : {0, 64}) {
                options.push_back({bits, rank, uniform(random)});
            }
        }
        double least = 1;
        for (const FidelityOption& option : options) {
            least = std::min(least, option.relativeError);
        }
        for (int i = 0; i < 50; ++i) {
            const double bits = 1.5 + 1.5 * uniform(random);
            const int rank = static_cast<int>(random() % 200);
            ASSERT_GE(at(options, bits, rank).relativeError, least * (1 - 1e-12))
                << "seed " << seed;
        }
    }
}

} // namespace
} // namespace caldera
