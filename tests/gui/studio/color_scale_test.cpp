#include "widgets/models/color_scale.h"

#include <QComboBox>

#include <gtest/gtest.h>

#include <limits>

#include "tests/gui/studio/large_model.h"
#include "tests/gui/studio/studio_fixture.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
using Kind = ColorScale::Kind;

TEST(ColorScale, PlacesByDifferenceByRatioOrByRank) {
    const std::vector<double> values{1e-4, 1e-3, 1e-2, 5e-2, 1e-1};
    EXPECT_NEAR(ColorScale(Kind::Linear, values).position(1e-2), 0.1, 0.01);
    EXPECT_NEAR(ColorScale(Kind::Logarithmic, values).position(1e-2), 2.0 / 3, 1e-12);
    EXPECT_DOUBLE_EQ(ColorScale(Kind::Rank, values).position(1e-2), 0.5);
    for (const Kind kind : {Kind::Linear, Kind::Logarithmic, Kind::Rank}) {
        const ColorScale scale(kind, values);
        EXPECT_EQ(scale.position(1e-4), 0);
        EXPECT_EQ(scale.position(1e-1), 1);
        EXPECT_EQ(scale.position(1), 1);
        EXPECT_EQ(scale.position(0), 0);
    }
}

TEST(ColorScale, EqualValuesHaveTheSameColour) {
    const ColorScale ranks(Kind::Rank, {1, 2, 2, 2, 3});
    EXPECT_DOUBLE_EQ(ranks.position(2), 0.5);
    for (const Kind kind : {Kind::Linear, Kind::Logarithmic, Kind::Rank}) {
        const ColorScale same(kind, {4, 4, 4});
        EXPECT_EQ(same.position(4), 0.5);
        EXPECT_EQ(same.ticks(), std::vector<double>{4});
    }
}

TEST(ColorScale, RatiosPartAroundOne) {
    const ColorScale scale(Kind::Ratio, {0.5, 0.9, 1.1, 1.25});
    EXPECT_TRUE(scale.isDiverging());
    EXPECT_EQ(scale.position(1), 0.5);
    EXPECT_EQ(scale.position(0.5), 0);
    EXPECT_EQ(scale.position(2), 1) << "as far from 1 as a half";
    EXPECT_NEAR(scale.position(1.25) + scale.position(0.8), 1, 1e-12);
    EXPECT_EQ(scale.ticks().size(), 5U);
    EXPECT_EQ(scale.ticks()[2], 1);
    EXPECT_EQ(ColorScale(Kind::Ratio, {1, 1}).position(1), 0.5);
    EXPECT_EQ(ColorScale(Kind::Ratio, {0, 2}).position(0), 0);
    EXPECT_FALSE(ColorScale(Kind::Ratio, {0, -1}).isDiverging());
}

TEST(ColorScale, ALogarithmLeavesOutWhatIsFarBelow) {
    const ColorScale scale(Kind::Logarithmic, {-1e-9, 0, 1e-30, 1e-3, 1});
    EXPECT_DOUBLE_EQ(scale.low(), 1e-5);
    EXPECT_EQ(scale.position(-1e-9), 0);
    EXPECT_EQ(scale.position(0), 0);
    EXPECT_NEAR(scale.position(1e-3), 0.4, 1e-12);
}

TEST(ColorScale, ALogarithmWithoutPositiveValuesIsLinear) {
    const ColorScale scale(Kind::Logarithmic, {-2, -1, 0});
    EXPECT_EQ(scale.kind(), Kind::Linear);
    EXPECT_EQ(scale.position(-1), 0.5);
}

TEST(ColorScale, NoNumbersCountForNothing) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double endless = std::numeric_limits<double>::infinity();
    EXPECT_TRUE(ColorScale(Kind::Rank, {nan, endless, -endless}).empty());
    EXPECT_TRUE(ColorScale(Kind::Logarithmic, {}).empty());
    const ColorScale scale(Kind::Logarithmic, {nan, 1, 10, endless});
    EXPECT_EQ(scale.largest(), 10);
    EXPECT_EQ(ColorScale(Kind::Rank, {7}).position(7), 0.5);
}

TEST(ColorScale, TicksAreRoundNumbersBetweenTheEnds) {
    EXPECT_EQ(ColorScale(Kind::Logarithmic, {3e-5, 0.2}).ticks(),
              (std::vector<double>{3e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.2}));
    const std::vector<double> few = ColorScale(Kind::Logarithmic, {0.03, 0.4}).ticks();
    ASSERT_EQ(few.size(), 5U); // 0.05, 0.1, 0.2 between
    EXPECT_DOUBLE_EQ(few[2], 0.1);
    const std::vector<double> even = ColorScale(Kind::Linear, {0.173, 0.234}).ticks();
    ASSERT_EQ(even.size(), 5U); // 0.18, 0.20, 0.22 between
    EXPECT_DOUBLE_EQ(even[2], 0.2);
    EXPECT_EQ(ColorScale(Kind::Rank, {1, 2, 3, 4, 50}).ticks(),
              (std::vector<double>{1, 2, 3, 4, 50}));
}

TEST(ColorScale, TicksRiseWhateverTheValues) {
    for (const double spread : {1e-12, 1e-3, 1.0, 40.0, 1e9}) {
        for (const Kind kind : {Kind::Linear, Kind::Logarithmic, Kind::Rank}) {
            const ColorScale scale(kind, {1, 1 + spread / 3, 1 + spread});
            const std::vector<double> ticks = scale.ticks();
            EXPECT_LT(ticks.size(), 16U);
            for (size_t at = 1; at < ticks.size(); ++at) {
                EXPECT_LE(scale.position(ticks[at - 1]), scale.position(ticks[at])) << spread;
            }
        }
    }
}

class ColorScaleChoice : public StudioFixture {};

TEST_F(ColorScaleChoice, TheScaleSuitsTheMetricAndIsRememberedForIt) {
    openDemo();
    OpenResult measured;
    measured.fidelity = std::make_shared<const Report>(largeFidelity(plan().config()));
    window().session().show(measured);
    HeatmapPanel& panel = *window().planView()->heatmap();
    const auto choose = [](QComboBox* box, int index) {
        box->setCurrentIndex(index);
        Q_EMIT box->activated(index);
    };
    const auto metric = [&](const QString& id) {
        choose(panel.metricBox(), panel.metricBox()->findData(id));
    };
    metric(u"kl"_s);
    EXPECT_EQ(panel.grid().scale().kind(), ColorScale::Kind::Logarithmic);
    metric(u"proxy"_s);
    EXPECT_EQ(panel.grid().scale().kind(), ColorScale::Kind::Linear);
    choose(panel.scaleBox(), panel.scaleBox()->findData(static_cast<int>(ColorScale::Kind::Rank)));
    EXPECT_EQ(panel.grid().scale().kind(), ColorScale::Kind::Rank);
    metric(u"kl"_s);
    EXPECT_EQ(panel.grid().scale().kind(), ColorScale::Kind::Logarithmic);
    metric(u"proxy"_s);
    EXPECT_EQ(panel.grid().scale().kind(), ColorScale::Kind::Rank);
}

} // namespace
} // namespace caldera::studio
