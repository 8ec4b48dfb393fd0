// What the heatmap and the cell panel say of a cell whose settings were changed.
#include "widgets/models/planned_value.h"

#include "tests/gui/studio/large_model.h"
#include "tests/gui/studio/studio_fixture.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr Cell kCell{3, Module::UpProj};

class PlannedValueTest : public StudioFixture {
protected:
    PlannedValueTest() {
        window().session().show(measuredModel(seventyTwo()));
        window().setMode(Mode::Plan);
    }
    PlannedValue error(double bits, int rank) {
        CellSettings settings = plan().settingsOf(kCell);
        settings.bits = bits;
        settings.rank = rank;
        return plannedValue(window().session(), u"proxy"_s, kCell, settings).value();
    }
    double position(Cell cell) {
        const CellGridModel& grid = window().planView()->heatmap()->grid();
        return grid.data(grid.indexOf(cell), CellGridModel::PositionRole).toDouble();
    }
    QString toolTip(Cell cell) {
        const CellGridModel& grid = window().planView()->heatmap()->grid();
        return grid.data(grid.indexOf(cell), Qt::ToolTipRole).toString();
    }
};

TEST_F(PlannedValueTest, TheErrorFollowsTheSettingsAndSaysHowItIsKnown) {
    EXPECT_EQ(error(2, 64).kind, u"measured"_s);
    EXPECT_EQ(error(2, 32).kind, u"interpolated"_s);
    EXPECT_LT(error(2, 32).value, error(2, 0).value);
    EXPECT_GT(error(2, 32).value, error(2, 64).value);
    EXPECT_EQ(error(1, 0).kind, u"extrapolated"_s);
}

TEST_F(PlannedValueTest, ASkippedCellHasNoError) {
    CellSettings settings = plan().settingsOf(kCell);
    settings.skip = true;
    EXPECT_EQ(plannedValue(window().session(), u"proxy"_s, kCell, settings)->value, 0);
}

TEST_F(PlannedValueTest, AnotherCodecIsNoMeasurement) {
    CellSettings settings = plan().settingsOf(kCell);
    settings.codec = "e8p";
    EXPECT_TRUE(plannedValue(window().session(), u"proxy"_s, kCell, settings)
                    ->kind.contains(u"another codec"_s));
}

TEST_F(PlannedValueTest, OtherMetricsSayWhichSettingsTheyWereMeasuredAt) {
    CellSettings settings = window().session().fidelityCell(kCell)->settings;
    EXPECT_EQ(plannedValue(window().session(), u"kl"_s, kCell, settings)->kind, u"measured"_s);
    settings.bits = 3;
    EXPECT_TRUE(plannedValue(window().session(), u"kl"_s, kCell, settings)
                    ->kind.startsWith(u"measured at "_s));
}

TEST_F(PlannedValueTest, ACellThatIsGivenBitsTurnsCalmAndNoOtherChanges) {
    window().planView()->heatmap()->showMetric(u"proxy"_s);
    constexpr Cell kOther{40, Module::QProj};
    const double before = position(kCell);
    const double other = position(kOther);
    plan().setCellBits(kCell, 4);
    EXPECT_LT(position(kCell), before);
    EXPECT_EQ(position(kOther), other);
    plan().setCellRank(kCell, 48);
    EXPECT_TRUE(toolTip(kCell).contains(u"interpolated"_s)) << toolTip(kCell).toStdString();
}

} // namespace
} // namespace caldera::studio
