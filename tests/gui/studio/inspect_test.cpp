#include "widgets/inspect_view/inspect_view.h"

#include <QComboBox>
#include <QFile>
#include <QHeaderView>
#include <QTabBar>
#include <QTabWidget>
#include <QToolButton>

#include <cmath>

#include "core/report/value_interval.h"
#include "tests/gui/studio/example_model.h"
#include "tests/gui/studio/measured_run.h"
#include "tests/gui/studio/studio_fixture.h"
#include "tests/support/report_format.h"
#include "widgets/inspect_view/cells_page.h"
#include "widgets/inspect_view/channels_page.h"
#include "widgets/inspect_view/compare_page.h"
#include "widgets/inspect_view/course_pages.h"
#include "widgets/inspect_view/depth_page.h"
#include "widgets/inspect_view/evaluation_page.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"
#include "widgets/support/table.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

class InspectTest : public StudioFixture {
protected:
    static constexpr int kLayers = 6;

    InspectView& inspect() { return *window().inspectView(); }
    HeatmapView& map() { return *inspect().heatmap()->view(); }

    /// A report on the disk, as the studio reads it.
    QString reportFile(const QString& name, const Report& report) {
        const QString file = root_.filePath(name);
        writeReport(report, file.toStdString());
        return file;
    }
    void openRun() {
        window().openReport(reportFile(u"report.h5"_s, measuredRun(exampleConfig(kLayers))));
        ASSERT_TRUE(settled());
        window().setMode(Mode::Inspect);
        map().pin(Cell{2, Module::OProj});
    }
    /// What `caldera fidelity` leaves: spectra, but no course of an error.
    void openMeasured() {
        Report measured = measuredRun(exampleConfig(kLayers));
        measured.evaluations.clear();
        measured.fidelity = {{"proxy", {}}};
        for (auto& [cell, found] : measured.cells) {
            found.history.clear();
            measured.fidelity[0].values[cell] = found.relativeError;
        }
        window().openReport(reportFile(u"fidelity.h5"_s, measured));
        ASSERT_TRUE(settled());
    }
    void show(QWidget* page) { inspect().tabs()->setCurrentWidget(page); }
    void overlay(Overlay overlay) {
        QComboBox* box = inspect().history()->overlayBox();
        box->setCurrentIndex(box->findData(static_cast<int>(overlay)));
        Q_EMIT box->activated(box->currentIndex());
    }
};

TEST_F(InspectTest, OpensOnTheFirstPageThatHasData) {
    openMeasured();
    EXPECT_EQ(inspect().tabs()->currentWidget(), inspect().spectra());
    openRun();
    EXPECT_EQ(inspect().tabs()->currentWidget(), inspect().history()) << "which nobody left";
}

TEST_F(InspectTest, SaysWhollyWhyThereIsNoCourse) {
    Report spectra = measuredRun(exampleConfig(kLayers));
    for (auto& [cell, measured] : spectra.cells) {
        measured.history.clear();
    }
    window().resize(1024, 700);
    window().openReport(reportFile(u"spectra.h5"_s, spectra));
    ASSERT_TRUE(settled());
    window().setMode(Mode::Inspect);
    show(inspect().history());
    QCoreApplication::processEvents();
    const QLabel& sentence = *inspect().history()->readout();
    const QRect needed = sentence.fontMetrics().boundingRect(QRect(0, 0, sentence.width(), 1000),
                                                             Qt::TextWordWrap, sentence.text());
    EXPECT_GE(sentence.height(), needed.height()) << sentence.text().toStdString();
    EXPECT_GE(sentence.width(), needed.width()) << sentence.text().toStdString();
    EXPECT_TRUE(sentence.wordWrap());
}

TEST_F(InspectTest, ShowsEveryTabInASmallWindow) {
    openRun();
    const QTabBar& bar = *inspect().tabs()->tabBar();
    for (const SchemeChoice scheme : {SchemeChoice::Light, SchemeChoice::Dark}) {
        Theme::current().setChoice(scheme);
        window().resize(1024, 768);
        QCoreApplication::processEvents();
        EXPECT_TRUE(bar.rect().contains(bar.tabRect(bar.count() - 1)))
            << bar.tabRect(bar.count() - 1).right() << " of " << bar.width();
        EXPECT_EQ(bar.tabRect(0).left(), 0);
        for (const QToolButton* arrow : bar.findChildren<QToolButton*>()) {
            EXPECT_FALSE(arrow->isVisible());
        }
    }
    Theme::current().setChoice(SchemeChoice::System);
}

TEST_F(InspectTest, KeepsThePageThatSomebodyChose) {
    openRun();
    EXPECT_EQ(inspect().tabs()->currentWidget(), inspect().history());
    show(inspect().cells());
    openRun();
    EXPECT_EQ(inspect().tabs()->currentWidget(), inspect().cells());
}

TEST_F(InspectTest, TheHistoryShowsEveryStepAndOverlaysByModuleOrLayer) {
    openRun();
    show(inspect().history());
    const Plot& plot = *inspect().history()->plot();
    ASSERT_EQ(plot.curves().size(), 1);
    EXPECT_EQ(plot.curves()[0].y.size(), 4);
    EXPECT_EQ(plot.curves()[0].notes[2], u"round 2, L and R fitted"_s);
    EXPECT_TRUE(inspect().history()->readout()->text().contains(u"4 step(s)"_s));
    overlay(Overlay::Module);
    EXPECT_EQ(plot.curves().size(), kLayers);
    overlay(Overlay::Layer);
    EXPECT_EQ(plot.curves().size(), 7);
}

TEST_F(InspectTest, ACurveThatIsClickedChoosesItsCell) {
    openRun();
    show(inspect().history());
    overlay(Overlay::Module);
    Plot* plot = inspect().history()->plot();
    ASSERT_EQ(plot->curves()[4].subject.value<Cell>(), (Cell{5, Module::OProj}));
    Q_EMIT plot->pointClicked({4, 0});
    EXPECT_EQ(map().pinnedCell(), (Cell{5, Module::OProj}));
    EXPECT_EQ(inspect().focus().cell, (Cell{5, Module::OProj}));
}

TEST_F(InspectTest, TheRankCursorSaysHowMuchEnergyItKeeps) {
    openRun();
    show(inspect().spectra());
    SpectraPage& page = *inspect().spectra();
    EXPECT_EQ(page.plot()->curves().size(), 3);
    EXPECT_EQ(page.plot()->exported(u"csv"_s).count('\n'), 1 + 3 * 256) << "also what is not drawn";
    EXPECT_TRUE(page.readout()->text().contains(u"rank 64"_s));
    page.setRank(256);
    EXPECT_TRUE(page.readout()->text().contains(u"W, as the inputs see it 96.0 %"_s))
        << page.readout()->text().toStdString();
    page.setRank(1000);
    EXPECT_TRUE(page.readout()->text().contains(u"an unknown share"_s));
    overlay(Overlay::Module);
    EXPECT_EQ(page.plot()->curves().size(), kLayers);
    EXPECT_TRUE(page.kindBox()->isVisible());
}

TEST_F(InspectTest, TheWorstRowIsShownInAllLayers) {
    openRun();
    show(inspect().channels());
    ChannelsPage& page = *inspect().channels();
    EXPECT_EQ(page.worstRows()->model()->index(0, 0).data().toString().toInt(), kWorstRow);
    ASSERT_EQ(page.rowOverLayers()->curves().size(), 1);
    EXPECT_EQ(page.rowOverLayers()->curves()[0].x.size(), kLayers);
    page.worstRows()->setCurrentIndex(page.worstRows()->model()->index(1, 0));
    const int second = page.worstRows()->model()->index(1, 0).data().toString().toInt();
    const Report& report = *inspect().focus().report;
    const auto row = static_cast<size_t>(second);
    EXPECT_FLOAT_EQ(static_cast<float>(page.rowOverLayers()->curves()[0].y[2]),
                    report.cells.at({2, Module::OProj}).rowError[row]);
}

TEST_F(InspectTest, LoudInputsAreListedAndTheCursorIsInBothPlots) {
    openRun();
    show(inspect().channels());
    ChannelsPage& page = *inspect().channels();
    ASSERT_EQ(page.outliers()->model()->rowCount(), 1);
    EXPECT_EQ(page.outliers()->model()->index(0, 0).data().toString().toInt(), kLoudChannel);
    Q_EMIT page.columns()->hovered(kLoudChannel);
    EXPECT_TRUE(page.readout()->text().contains(u"column 5: mean square 60"_s))
        << page.readout()->text().toStdString();
    page.columns()->xAxis->setRange(2, 9);
    EXPECT_EQ(page.hessian()->xAxis->range().upper, 9) << "they zoom together";
}

TEST_F(InspectTest, TheDepthShowsCellsAndHiddenStates) {
    openRun();
    show(inspect().depth());
    DepthPage& page = *inspect().depth();
    EXPECT_EQ(page.cells()->curves().size(), 7);
    ASSERT_EQ(page.hidden()->curves().size(), 1);
    EXPECT_DOUBLE_EQ(page.hidden()->curves()[0].y.last(), 0.02 * std::sqrt(kLayers));
    EXPECT_TRUE(page.hidden()->isVisible());
    map().pin(std::nullopt);
    Q_EMIT page.cells()->hovered(4.2);
    EXPECT_EQ(map().shownCell()->layer, 4) << "the heatmap follows";
    Q_EMIT page.cells()->pointClicked({6, 1});
    EXPECT_EQ(map().pinnedCell(), (Cell{1, Module::DownProj}));
}

TEST_F(InspectTest, TheDepthSaysWhatBringsTheHiddenStates) {
    DepthPage& page = *inspect().depth();
    page.setEvaluations({{"text", {{"perplexity", 8}}, {}}});
    EXPECT_TRUE(page.hiddenNote()->text().contains(u"an evaluation beside the original"_s));
    page.setEvaluations({{"text", {{"perplexity", 8}}, {{kKeptPredictions, "/kept"}}}});
    EXPECT_TRUE(page.hiddenNote()->text().contains(u"without “Keep what"_s))
        << page.hiddenNote()->text().toStdString();
}

TEST_F(InspectTest, EveryCellHasItsSettingsAndTimes) {
    openRun();
    show(inspect().cells());
    CellTable& cells = *inspect().cells()->cells();
    ASSERT_EQ(cells.model().rowCount(), kLayers * 7);
    const QModelIndex current = cells.table()->currentIndex();
    EXPECT_EQ(cells.model().sourceRow(current.row()), 2 * 7 + 3) << "the pinned cell's";
    cells.table()->sortByColumn(7, Qt::DescendingOrder);
    const QVariant worst = cells.model().index(0, 7).data(ValueTableModel::kOrderRole);
    EXPECT_DOUBLE_EQ(worst.toDouble(),
                     inspect().focus().report->cells.at({0, Module::DownProj}).relativeError);
    cells.table()->setCurrentIndex(cells.model().index(0, 0));
    EXPECT_EQ(map().pinnedCell(), (Cell{0, Module::DownProj}));
    EXPECT_EQ(cells.table()->csv().count(u'\n'), kLayers * 7 + 1);
}

TEST_F(InspectTest, TwoRunsAreComparedCellByCell) {
    openRun();
    show(inspect().compare());
    ComparePage& page = *inspect().compare();
    page.compareWith(reportFile(u"other.h5"_s, measuredRun(exampleConfig(kLayers), 0.5)));
    ASSERT_TRUE(QTest::qWaitFor([&] { return page.pair().there != nullptr; }, kPatience));
    EXPECT_EQ(page.cells()->model().rowCount(), kLayers * 7);
    EXPECT_DOUBLE_EQ(page.pair().ratio({0, Module::QProj}), 0.5);
    EXPECT_TRUE(page.summary()->text().contains(u"better in 42 and worse in 0 of 42"_s))
        << page.summary()->text().toStdString();
    EXPECT_EQ(page.plot()->curves().size(), 7);
}

TEST_F(InspectTest, TheHeatmapShowsHowTwoRunsDiffer) {
    openRun();
    show(inspect().compare());
    ComparePage& page = *inspect().compare();
    page.compareWith(reportFile(u"other.h5"_s, measuredRun(exampleConfig(kLayers), 0.5)));
    ASSERT_TRUE(QTest::qWaitFor([&] { return page.pair().there != nullptr; }, kPatience));
    EXPECT_EQ(inspect().heatmap()->metricId(), kComparedMetric);
    CellGridModel& grid = inspect().heatmap()->grid();
    EXPECT_TRUE(grid.scale().isDiverging());
    EXPECT_FALSE(inspect().heatmap()->scaleBox()->isVisible());
    const QModelIndex index = grid.indexOf({1, Module::VProj});
    EXPECT_EQ(index.data(CellGridModel::PositionRole), 0) << "the other run is better";
    EXPECT_EQ(index.data().toString(), u"0.50"_s);
    EXPECT_TRUE(index.data(Qt::ToolTipRole).toString().contains(u"below 1 it is better"_s));

    map().pin(Cell{1, Module::VProj});
    const QModelIndex row = page.cells()->table()->currentIndex();
    EXPECT_EQ(page.cells()->model().sourceRow(row.row()), 1 * 7 + 2) << "the table follows";
    inspect().heatmap()->showMetric(u"error"_s);
    EXPECT_TRUE(inspect().heatmap()->scaleBox()->isVisible());
    openDemo();
    EXPECT_EQ(window().session().metric(kComparedMetric), nullptr) << "another model is open";
}

TEST_F(InspectTest, RunsOfOtherModelsAreNotCompared) {
    openRun();
    show(inspect().compare());
    ComparePage& page = *inspect().compare();
    const auto complaintAbout = [&](const QString& path) {
        page.banner()->clear();
        page.compareWith(path);
        EXPECT_TRUE(QTest::qWaitFor([&] { return page.banner()->isVisible(); }, kPatience));
        return page.banner()->sentence();
    };
    EXPECT_TRUE(complaintAbout(reportFile(u"deeper.h5"_s, measuredRun(exampleConfig(8))))
                    .contains(u"8 layers"_s));
    ModelConfig wider = exampleConfig(kLayers);
    wider.intermediateSize = 640;
    EXPECT_TRUE(complaintAbout(reportFile(u"wider.h5"_s, measuredRun(wider))).contains(u"640"_s));
    EXPECT_TRUE(complaintAbout(root_.filePath(u"nowhere.h5"_s)).contains(u"nowhere.h5"_s));
    Report empty;
    empty.layerCount = kLayers;
    EXPECT_TRUE(complaintAbout(reportFile(u"empty.h5"_s, empty)).contains(u"no report of cells"_s));
    EXPECT_TRUE(page.pair().there == nullptr);
}

TEST_F(InspectTest, ReportsThatCannotBeReadAreExplained) {
    openRun();
    QFile whole(root_.filePath(u"report.h5"_s));
    ASSERT_TRUE(whole.open(QIODevice::ReadOnly));
    const QByteArray bytes = whole.readAll();
    const auto openBytes = [&](const QByteArray& contents) {
        QFile file(root_.filePath(u"bad.h5"_s));
        EXPECT_TRUE(file.open(QIODevice::WriteOnly));
        file.write(contents);
        file.close();
        inspect().banner()->clear();
        window().openReport(file.fileName());
        EXPECT_TRUE(settled());
        return inspect().banner()->sentence();
    };
    EXPECT_TRUE(openBytes(bytes.left(bytes.size() / 2)).contains(u"damaged or cut short"_s));
    EXPECT_TRUE(openBytes("not HDF5 at all").contains(u"bad.h5 is no report"_s));
    EXPECT_EQ(inspect().focus().report->cells.size(), 42U) << "what is open stays";
}

TEST_F(InspectTest, AReportOfALaterProgramSaysWhatReadsIt) {
    openRun();
    const QString later = reportFile(u"later.h5"_s, measuredRun(exampleConfig(kLayers)));
    test::setReportFormat(later.toStdString(), "caldera-report/9");
    window().openReport(later);
    ASSERT_TRUE(settled());
    const QString sentence = inspect().banner()->sentence();
    EXPECT_TRUE(sentence.contains(u"later.h5 has format caldera-report/9"_s) &&
                sentence.contains(u"Install a newer caldera"_s))
        << sentence.toStdString();
    EXPECT_EQ(inspect().focus().report->cells.size(), 42U) << "what is open stays";

    test::setReportFormat(later.toStdString(), "caldera-report/1");
    window().openReport(later);
    ASSERT_TRUE(settled());
    EXPECT_FALSE(inspect().banner()->isVisible()) << "nothing but its format was wrong";
}

TEST_F(InspectTest, AFragilityReportSaysWhatItLacks) {
    window().session().show(measuredModel(exampleConfig(kLayers)));
    window().setMode(Mode::Inspect);
    map().pin(Cell{2, Module::OProj});
    show(inspect().history());
    EXPECT_TRUE(inspect().history()->plot()->curves().isEmpty());
    EXPECT_TRUE(inspect().history()->readout()->text().contains(u"only a compression"_s));
    show(inspect().channels());
    EXPECT_TRUE(inspect().channels()->readout()->text().contains(u"only a compression"_s));
    show(inspect().spectra());
    EXPECT_EQ(inspect().spectra()->plot()->curves().size(), 2);
    show(inspect().cells());
    EXPECT_EQ(inspect().cells()->cells()->model().rowCount(), kLayers * 7);
}

TEST_F(InspectTest, EveryPlotLeavesAsPictureDrawingDocumentAndValues) {
    openRun();
    show(inspect().compare());
    inspect().compare()->compareWith(
        reportFile(u"other.h5"_s, measuredRun(exampleConfig(kLayers), 0.5)));
    ASSERT_TRUE(
        QTest::qWaitFor([&] { return inspect().compare()->pair().there != nullptr; }, kPatience));
    for (QWidget* page :
         {static_cast<QWidget*>(inspect().history()), static_cast<QWidget*>(inspect().spectra()),
          static_cast<QWidget*>(inspect().channels()), static_cast<QWidget*>(inspect().depth()),
          static_cast<QWidget*>(inspect().compare()),
          static_cast<QWidget*>(inspect().evaluation())}) {
        show(page);
        QTest::qWait(1);
        ASSERT_FALSE(page->findChildren<Plot*>().isEmpty());
        for (Plot* plot : page->findChildren<Plot*>()) {
            EXPECT_TRUE(plot->exported(u"png"_s).startsWith("\x89PNG"));
            EXPECT_TRUE(plot->exported(u"svg"_s).contains("<svg"));
            EXPECT_TRUE(plot->exported(u"pdf"_s).startsWith("%PDF"));
            EXPECT_TRUE(plot->exported(u"csv"_s).startsWith("curve,x,y\n"));
        }
    }
}

} // namespace
} // namespace caldera::studio
