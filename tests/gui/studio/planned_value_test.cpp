// What the heatmap and the cell panel say of a cell whose settings were changed.
#include "widgets/models/planned_value.h"

#include <QComboBox>
#include <QLabel>

#include "tests/gui/studio/large_model.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/cell_panel/cell_details.h"
#include "widgets/cell_panel/cell_panel.h"
#include "widgets/heatmap/heatmap_legend.h"
#include "widgets/inspect_view/inspect_view.h"

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
        return MetricValues(window().session(), u"proxy"_s).planned(kCell, settings).value();
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
    EXPECT_EQ(MetricValues(window().session(), u"proxy"_s).planned(kCell, settings)->value, 0);
}

TEST_F(PlannedValueTest, AnotherCodecIsNoMeasurement) {
    CellSettings settings = plan().settingsOf(kCell);
    settings.codec = "e8p";
    EXPECT_TRUE(MetricValues(window().session(), u"proxy"_s)
                    .planned(kCell, settings)
                    ->kind.contains(u"another codec"_s));
}

TEST_F(PlannedValueTest, OtherMetricsSayWhichSettingsTheyWereMeasuredAt) {
    CellSettings settings = window().session().fidelityCell(kCell)->settings;
    EXPECT_EQ(MetricValues(window().session(), u"kl"_s).planned(kCell, settings)->kind,
              u"measured"_s);
    settings.bits = 3;
    EXPECT_TRUE(MetricValues(window().session(), u"kl"_s)
                    .planned(kCell, settings)
                    ->kind.startsWith(u"measured at "_s));
    settings.bits = window().session().fidelityCell(kCell)->settings.bits;
    settings.codec = "nf";
    EXPECT_TRUE(MetricValues(window().session(), u"kl"_s)
                    .planned(kCell, settings)
                    ->kind.endsWith(u" with trellis"_s));
}

TEST_F(PlannedValueTest, MetricsOfSeveralRunsSayTheirOwnSettings) {
    Report report = largeFidelity(seventyTwo());
    for (FidelityMetric& metric : report.fidelity) {
        if (metric.name == "kl") { // measured with another plan than the errors and the spectra
            for (auto& [cell, settings] : metric.settings) {
                settings = {"e8p", 2, 64};
            }
        }
    }
    OpenResult model = measuredModel(seventyTwo());
    model.fidelity = std::make_shared<const Report>(report);
    window().session().show(model);
    CellSettings settings = plan().settingsOf(kCell);
    settings.codec = "e8p";
    settings.bits = 2;
    settings.rank = 64;
    const auto kind = [&] {
        return MetricValues(window().session(), u"kl"_s).planned(kCell, settings)->kind;
    };
    EXPECT_EQ(kind(), u"measured"_s);
    EXPECT_TRUE(MetricValues(window().session(), u"proxy"_s)
                    .planned(kCell, settings)
                    ->kind.contains(u"another codec"_s));
    settings.codec = "trellis";
    settings.rank = 0;
    EXPECT_EQ(kind(), u"measured at 2/64 with e8p"_s);
    window().planView()->heatmap()->showMetric(u"kl"_s);
    EXPECT_TRUE(
        window().planView()->heatmap()->metricBox()->toolTip().contains(u"(at other settings)"_s));
}

TEST_F(PlannedValueTest, TheCellPanelSaysHowSureWhatWasMeasuredIs) {
    OpenResult model = measuredModel(seventyTwo());
    Report report = *model.fidelity;
    FidelityMetric& ratios = report.fidelity.emplace_back();
    ratios.name = "sipit";
    ratios.values[kCell] = 0.5;
    const auto put = [&](const std::string& name, double value, double low, double high) {
        ratios.details[name][kCell] = value;
        ratios.details[name + "_low"][kCell] = low;
        ratios.details[name + "_high"][kCell] = high;
    };
    put("rho", 0.5, 0.45, 0.56);
    put("recovery", 0.97, 0.94, 0.99);
    put("margin", 0.4, 0.35, 0.44);
    for (FidelityMetric& metric : report.fidelity) {
        if (metric.name == "kl") {
            metric.details["standard_error"][kCell] = metric.values.at(kCell) / 10;
        }
    }
    model.fidelity = std::make_shared<const Report>(report);
    window().session().show(model);
    const auto notes = [this](const QString& metric, Cell cell = kCell) {
        return detailsOf(window().session(), cell, metric, true)->valueNotes;
    };
    EXPECT_EQ(notes(u"sipit"_s), (QStringList{u"95 %: 0.450 to 0.560"_s,
                                              u"97.0 % of tokens recovered (95 %: 94.0 to 99.0)"_s,
                                              u"margin 0.400 (95 %: 0.350 to 0.440)"_s}));
    ASSERT_EQ(notes(u"kl"_s).size(), 1);
    EXPECT_TRUE(notes(u"kl"_s).first().startsWith(u"95 %: "_s));
    EXPECT_TRUE(notes(u"proxy"_s).isEmpty());
    EXPECT_TRUE(notes(u"kl"_s, {4, Module::UpProj}).isEmpty()) << "nobody knows";
    window().planView()->heatmap()->showMetric(u"sipit"_s);
    view().pin(kCell);
    bool shown = false;
    for (const QLabel* label : window().cellPanel()->findChildren<QLabel*>()) {
        shown = shown || (label->isVisible() && label->text().contains(u"tokens recovered"_s));
    }
    EXPECT_TRUE(shown);
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

TEST_F(PlannedValueTest, TheLegendSaysOfHowManyCellsColoursAreNotThePlans) {
    HeatmapPanel& heatmap = *window().planView()->heatmap();
    const auto* legend = heatmap.findChild<HeatmapLegend*>();
    window().resize(1440, 900);
    heatmap.showMetric(u"kl"_s);
    EXPECT_EQ(legend->remark(), QString()) << "the plan is what was measured";
    plan().setCellBits(kCell, 4);
    EXPECT_TRUE(legend->remark().contains(u"1 cell"_s)) << legend->remark().toStdString();
    EXPECT_TRUE(legend->accessibleDescription().startsWith(u"colours measured at 2/64; 1 cell"_s))
        << legend->remark().toStdString();
    EXPECT_TRUE(legend->toolTip().contains(u"do not follow the plan"_s));
    heatmap.showMetric(u"proxy"_s);
    EXPECT_EQ(legend->remark(), QString()) << "4/64 was measured";
    plan().setCellRank(kCell, 48);
    EXPECT_TRUE(legend->remark().contains(u"interpolated from measured settings"_s))
        << legend->remark().toStdString();
    window().resize(window().minimumSizeHint());
    EXPECT_LE(legend->remarkEnd(), legend->width()) << "whole in the smallest window, too";
}

TEST_F(PlannedValueTest, InspectSaysThatThePlanHasOtherSettingsNow) {
    window().setMode(Mode::Inspect);
    HeatmapPanel& heatmap = *window().inspectView()->heatmap();
    const auto* legend = heatmap.findChild<HeatmapLegend*>();
    const auto* note = window().cellPanel()->findChild<QLabel*>(u"plannedNow"_s);
    heatmap.view()->pin(kCell);
    EXPECT_EQ(legend->remark(), QString());
    EXPECT_FALSE(note->isVisible());
    plan().setCellBits(kCell, 4);
    EXPECT_TRUE(legend->remark().contains(u"the plan has 1 cell"_s))
        << legend->remark().toStdString();
    const CellGridModel& grid = heatmap.grid();
    EXPECT_EQ(grid.data(grid.indexOf(kCell)).toString(), u"2/64"_s) << "as measured";
    EXPECT_TRUE(grid.data(grid.indexOf(kCell), Qt::ToolTipRole)
                    .toString()
                    .contains(u"in the plan now: 4/64"_s));
    heatmap.view()->pin(kCell);
    EXPECT_TRUE(note->isVisible());
    EXPECT_TRUE(note->text().contains(u"4/64"_s)) << note->text().toStdString();
}

} // namespace
} // namespace caldera::studio
