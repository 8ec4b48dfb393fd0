// What Inspect draws, before it is drawn.
#include <algorithm>
#include <cmath>

#include <QAbstractItemModelTester>

#include <gtest/gtest.h>

#include "tests/gui/studio/example_model.h"
#include "tests/gui/studio/measured_run.h"
#include "widgets/inspect_view/channels_page.h"
#include "widgets/inspect_view/inspect_curves.h"
#include "widgets/inspect_view/inspect_focus.h"
#include "widgets/support/table.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

TEST(InspectFocus, AnOverlayDrawsTheFocusedCellLast) {
    InspectFocus focus;
    focus.report = std::make_shared<const Report>(measuredRun(exampleConfig(4)));
    focus.cell = {1, Module::KProj};
    EXPECT_EQ(focus.cells(), std::vector<Cell>{focus.cell});
    focus.overlay = Overlay::Module;
    ASSERT_EQ(focus.cells().size(), 4U);
    EXPECT_EQ(focus.cells().front(), (Cell{0, Module::KProj}));
    EXPECT_EQ(focus.cells().back(), focus.cell);
    focus.overlay = Overlay::Layer;
    ASSERT_EQ(focus.cells().size(), 7U);
    EXPECT_EQ(focus.cells().back(), focus.cell);
    focus.cell = {99, Module::KProj};
    EXPECT_TRUE(focus.measured() == nullptr);
    EXPECT_TRUE(focus.cells().empty());
    EXPECT_TRUE(InspectFocus().cells().empty());
}

TEST(InspectFocus, EnergyCountsWhatTheLeadingValuesLeaveOut) {
    const std::vector<float> values = {3, 2, 1}; // 9 + 4 + 1 = 14, and as much again outside
    EXPECT_EQ(energyKept(values, 0.5, 0), 0.0);
    EXPECT_NEAR(*energyKept(values, 0.5, 1), 9.0 / 28, 1e-12);
    EXPECT_NEAR(*energyKept(values, 0.5, 3), 0.5, 1e-12);
    EXPECT_NEAR(*energyKept(values, 0, 3), 1, 1e-12);
    EXPECT_FALSE(energyKept(values, 0.5, 4)) << "nobody knows the fourth value";
    EXPECT_FALSE(energyKept({}, 0, 0));
    EXPECT_EQ(rankThatKeeps(values, 0, 0.6), 1);
    EXPECT_EQ(rankThatKeeps(values, 0, 0.9), 2);
    EXPECT_FALSE(rankThatKeeps(values, 0.5, 0.9));
}

TEST(InspectCurves, LogSpacedPlacesKeepBothEnds) {
    for (const qsizetype count : {1, 2, 7, 128, 256, 8192, 29568}) {
        const std::vector<qsizetype> places = logSpaced(count, 128);
        ASSERT_FALSE(places.empty());
        EXPECT_EQ(places.front(), 0);
        EXPECT_EQ(places.back(), count - 1);
        EXPECT_LE(places.size(), 128U);
        EXPECT_TRUE(std::is_sorted(places.begin(), places.end()));
        EXPECT_EQ(std::adjacent_find(places.begin(), places.end()), places.end());
    }
    EXPECT_TRUE(logSpaced(0, 128).empty());
}

TEST(Channels, AreRankedByTheirValues) {
    const std::vector<float> values = {1, 5, 2, 5, 0};
    const std::vector<RankedChannel> largest = largestChannels(values, 3);
    ASSERT_EQ(largest.size(), 3U);
    EXPECT_EQ(largest[0].channel, 1);
    EXPECT_EQ(largest[1].channel, 3);
    EXPECT_EQ(largest[2].channel, 2);
    const std::vector<float> diagonal = {1, 1, 1, 100, 1, 11, 10};
    const std::vector<RankedChannel> loud = outlierChannels(diagonal);
    ASSERT_EQ(loud.size(), 2U);
    EXPECT_EQ(loud[0].channel, 3);
    EXPECT_EQ(loud[1].channel, 5);
    EXPECT_TRUE(outlierChannels({}).empty());
    const float nan = std::nanf("");
    EXPECT_EQ(largestChannels({nan, 1, nan, 3, nan}, 2).front().channel, 3);
}

TEST(ValueTable, SortsNumbersAsNumbersAndTheUnknownLast) {
    ValueTableModel model;
    const QAbstractItemModelTester tester(&model);
    model.setTable(
        {{u"a"_s, {}, true}},
        {{numberValue(10)}, {numberValue(std::nan(""))}, {numberValue(9)}, {numberValue(100)}});
    const auto order = [&model] {
        QList<int> rows;
        for (int row = 0; row < model.rowCount(); ++row) {
            rows.append(model.sourceRow(row));
        }
        return rows;
    };
    model.sort(0, Qt::AscendingOrder);
    EXPECT_EQ(order(), (QList<int>{2, 0, 3, 1}));
    model.sort(0, Qt::DescendingOrder);
    EXPECT_EQ(order(), (QList<int>{3, 0, 2, 1}));
    EXPECT_EQ(model.shownRow(2), 2);
    EXPECT_EQ(model.shownRow(7), -1);
}

} // namespace
} // namespace caldera::studio
