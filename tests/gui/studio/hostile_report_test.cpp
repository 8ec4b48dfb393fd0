// Reports that say what cannot be: Inspect shows them, or says what is wrong, and never falls over.
#include <QPlainTextEdit>
#include <QTabWidget>

#include <algorithm>
#include <functional>
#include <limits>
#include <string>

#include "core/summary/chart.h"
#include "tests/gui/studio/example_model.h"
#include "tests/gui/studio/large_model.h"
#include "tests/gui/studio/measured_run.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/inspect_view/compare_page.h"
#include "widgets/inspect_view/inspect_view.h"
#include "widgets/inspect_view/run_summary.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/plot.h"
#include "widgets/support/table.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr int kLayers = 4;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// What is wrong with a report.
struct Defect {
    const char* name;
    std::function<void(Report&)> inflict;
};

void forCells(Report& report, const std::function<void(CellReport&)>& inflict) {
    for (auto& [cell, measured] : report.cells) {
        inflict(measured);
    }
}

void setNumbers(CellReport& cell, double value) {
    for (double* number : {&cell.relativeError, &cell.proxyError, &cell.dampingUsed, &cell.seconds,
                           &cell.bitsPerWeight, &cell.tailEnergy, &cell.hessianTailEnergy,
                           &cell.residualTailEnergy, &cell.settings.bits}) {
        *number = value;
    }
    for (auto* curve :
         {&cell.singularValues, &cell.hessianSingularValues, &cell.residualSingularValues,
          &cell.rowError, &cell.columnError, &cell.hessianDiagonal}) {
        std::fill(curve->begin(), curve->end(), static_cast<float>(value));
    }
    for (HistoryEntry& entry : cell.history) {
        entry.relativeError = value;
    }
}

Defect allNumbersAre(const char* name, double value) {
    return {name, [value](Report& report) {
                forCells(report, [value](CellReport& cell) { setNumbers(cell, value); });
                report.evaluations[0].numbers = {{"perplexity", value}, {"kl_mean", value}};
                for (auto& [layer, values] : report.evaluations[0].layers) {
                    std::fill(values.begin(), values.end(), value);
                }
                FidelityMetric metric{"proxy", "", {}};
                metric.values[{1, Module::QProj}] = value;
                report.fidelity = {metric};
            }};
}

std::vector<Defect> defects() {
    const auto empty = [](CellReport& cell) {
        const CellSettings settings = cell.settings;
        cell = CellReport();
        cell.settings = settings;
    };
    const auto huge = [](CellReport& cell) {
        cell.shape = {1 << 26, 1 << 26};
        cell.settings.rank = 1 << 26;
        cell.bytes = std::numeric_limits<int64_t>::max();
        cell.seconds = 1e300;
    };
    const auto shortCurves = [](CellReport& cell) {
        cell.singularValues.resize(1);
        cell.rowError.resize(1);
        cell.hessianDiagonal.resize(2);
        cell.history.resize(1);
        cell.history[0].iteration = std::numeric_limits<int>::max();
    };
    return {
        allNumbersAre("no numbers", kNan),
        allNumbersAre("infinity", kInfinity),
        allNumbersAre("minus infinity", -kInfinity),
        allNumbersAre("minus one", -1),
        allNumbersAre("zero", 0),
        allNumbersAre("huge numbers", 1e308),
        {"nothing measured", [empty](Report& report) { forCells(report, empty); }},
        {"huge sizes", [huge](Report& report) { forCells(report, huge); }},
        {"short curves", [shortCurves](Report& report) { forCells(report, shortCurves); }},
        {"one cell",
         [](Report& report) { report.cells.erase(++report.cells.begin(), report.cells.end()); }},
        {"texts that are markup", [](Report& report) {
             const std::string markup = "<img src=\"file:///etc/passwd\"><script>x</script>\n\"&";
             report.run = {{"model", markup}, {"command", markup + std::string(100'000, 'x')}};
             report.evaluations[0].name = "<b>name";
             report.evaluations[0].facts["text"] = markup;
         }}};
}

class HostileReport : public StudioFixture {
protected:
    InspectView& inspect() { return *window().inspectView(); }
    QString fileOf(const Report& report) {
        const QString file = root_.filePath(u"hostile.h5"_s);
        writeReport(report, file.toStdString());
        return file;
    }
    /// Looks at every page in every way, as a person would.
    void lookAtEverything() {
        QTabWidget& tabs = *inspect().tabs();
        for (int page = 0; page < tabs.count(); ++page) {
            tabs.setCurrentIndex(page);
            EXPECT_FALSE(window().grab().isNull());
            for (Plot* plot : tabs.currentWidget()->findChildren<Plot*>()) {
                plot->setHair(1);
                for (const QString& suffix : {u"svg"_s, u"csv"_s}) {
                    EXPECT_FALSE(plot->exported(suffix).isEmpty());
                }
            }
            for (Table* table : tabs.currentWidget()->findChildren<Table*>()) {
                EXPECT_FALSE(table->csv().isEmpty());
            }
        }
    }
};

TEST_F(HostileReport, IsShownAsFarAsItGoes) {
    for (const Defect& defect : defects()) {
        SCOPED_TRACE(defect.name);
        Report report = measuredRun(exampleConfig(kLayers));
        defect.inflict(report);
        const QString file = fileOf(report);
        inspect().banner()->clear();
        window().openReport(file);
        ASSERT_TRUE(settled());
        window().setMode(Mode::Inspect);
        EXPECT_TRUE(inspect().hasHeatmap());
        inspect().compare()->compareWith(file);
        ASSERT_TRUE(settled());
        lookAtEverything();
        const Summary summary = summaryOf(window().session());
        const std::string html = toHtml(summaryPage(summary), titleOf(summary));
        EXPECT_EQ(html.find("<script>x"), std::string::npos);
        EXPECT_EQ(html.find("<img src"), std::string::npos);
        EXPECT_FALSE(toPdf(summaryPage(summary), titleOf(summary)).empty());
    }
}

TEST_F(HostileReport, EveryReportThatWasLeftOutIsTold) {
    OpenResult result = measuredModel(seventyTwo());
    result.unread = {{u"kept.h5 is damaged."_s, u"report.corrupt"_s},
                     {u"fidelity.h5 is of another model."_s, u"report.model"_s},
                     {u"evaluations.h5 is damaged."_s, u"report.corrupt"_s}};
    window().session().show(result);
    const auto banners = window().findChildren<ErrorBanner*>();
    const auto shown = std::find_if(banners.begin(), banners.end(),
                                    [](const ErrorBanner* banner) { return banner->isVisible(); });
    ASSERT_NE(shown, banners.end());
    const ErrorBanner* banner = *shown;
    EXPECT_EQ(banner->sentence(), u"kept.h5 is damaged.\nfidelity.h5 is of another model.\n"
                                  "evaluations.h5 is damaged."_s);
    EXPECT_EQ(banner->findChild<QPlainTextEdit*>()->toPlainText(),
              u"Error code: report.corrupt, report.model"_s);
}

} // namespace
} // namespace caldera::studio
