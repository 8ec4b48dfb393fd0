#include "widgets/inspect_view/blame_page.h"

#include <QComboBox>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QTabWidget>

#include "core/report/kept_reports.h"
#include "tests/gui/pictures.h"
#include "tests/gui/studio/example_model.h"
#include "tests/gui/studio/measured_run.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/chat/chat_view.h"
#include "widgets/inspect_view/cells_page.h"
#include "widgets/inspect_view/inspect_view.h"
#include "widgets/runs/runs_view.h"
#include "widgets/support/labels.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr Cell kGuilty{2, Module::DownProj};
constexpr Cell kHelper{1, Module::KProj};

class BlamePageTest : public StudioFixture {
protected:
    static constexpr int kLayers = 12;

    ~BlamePageTest() override { Theme::current().setChoice(SchemeChoice::System); }

    void openArtifact() {
        OpenResult result = measuredModel(exampleConfig(kLayers));
        auto facts = std::make_shared<OpenFacts>(*result.facts);
        facts->kind = OpenKind::Artifact;
        facts->artifactHash = u"abcd"_s;
        result.facts = facts;
        result.fidelity.reset();
        result.report = std::make_shared<const Report>(measuredRun(exampleConfig(kLayers)));
        window().session().show(result);
        window().setMode(Mode::Inspect);
    }
    /// As a finished job leaves it.
    void openBlame() {
        Report report;
        report.layerCount = kLayers;
        FidelityMetric metric{kBlameMetric, "What token 7, \" Paris\", gains", {}};
        for (int layer = 0; layer < kLayers; ++layer) {
            for (const Module module : kModules) {
                metric.values[{layer, module}] = 0.01 * layer + 0.001 * static_cast<int>(module);
            }
        }
        metric.values[kGuilty] = 2;
        metric.values[kHelper] = -0.5;
        metric.numbers = {{"place", 7},
                          {"number", 8},
                          {"candidates", 127},
                          {"original_log_probability", -0.1},
                          {"log_probability", -4.1}};
        report.fidelity = {metric};
        const QString file = root_.filePath(u"blame.h5"_s);
        writeReport(report, file.toStdString());
        window().openReport(file);
        ASSERT_TRUE(settled());
    }
    BlamePage& page() { return *window().inspectView()->blame(); }
};

TEST_F(BlamePageTest, ShowsTheGuiltyCellsOnTheHeatmap) {
    openArtifact();
    openBlame();
    EXPECT_EQ(window().inspectView()->tabs()->currentWidget(), &page());
    EXPECT_EQ(window().inspectView()->heatmap()->metricId(), u"blame"_s);
    EXPECT_EQ(window().inspectView()->heatmap()->mostFragile(), kGuilty);
    EXPECT_EQ(window().inspectView()->heatmap()->view()->pinnedCell(), kGuilty);
    EXPECT_TRUE(page().verdict()->text().contains(u"Paris"_s))
        << page().verdict()->text().toStdString();
    EXPECT_TRUE(page().verdict()->text().contains(u"Token 8, which lost most of the 127"_s))
        << page().verdict()->text().toStdString();
    ValueTableModel& rows = page().cells()->model();
    ASSERT_EQ(rows.rowCount(), kLayers * 7);
    EXPECT_EQ(rows.index(0, 0).data().toString(), u"2"_s);
    EXPECT_EQ(rows.index(0, 3).data().toString(), u"50.0"_s) << "2 of the 4 nats that were lost";
    EXPECT_EQ(rows.index(kLayers * 7 - 1, 1).data().toString(), u"k_proj"_s);
    EXPECT_TRUE(window().session().report() != nullptr) << "the compression's report stays";
}

TEST_F(BlamePageTest, OneMoreBitIsAStepWithItsCost) {
    openArtifact();
    openBlame();
    PlanDocument& plan = window().session().plan();
    const int64_t before = plan.size().cellBytes;
    const double bits = plan.settingsOf(kGuilty).bits;
    page().countBox()->setValue(2);
    const BitOffer offer = page().offer();
    ASSERT_EQ(offer.bits.size(), 2U);
    EXPECT_EQ(offer.bits.front().first, kGuilty);
    EXPECT_TRUE(page().offerButton()->text().contains(u"2 cell(s)"_s));
    page().offerButton()->click();
    EXPECT_EQ(plan.settingsOf(kGuilty).bits, bits + 1);
    EXPECT_EQ(plan.size().cellBytes - before, offer.bytes);
    EXPECT_TRUE(plan.undoStack().undoText().contains(u"one more bit"_s));
    plan.undoStack().undo();
    EXPECT_EQ(plan.settingsOf(kGuilty).bits, bits);
    EXPECT_EQ(plan.size().cellBytes, before);
}

TEST_F(BlamePageTest, CellsThatCannotHaveMoreAreLeftAlone) {
    openArtifact();
    openBlame();
    PlanDocument& plan = window().session().plan();
    page().countBox()->setValue(1);
    plan.setCellBits(kGuilty, 4);
    EXPECT_TRUE(page().offer().bits.empty());
    EXPECT_FALSE(page().offerButton()->isEnabled());
    plan.setCellBits(kGuilty, 2);
    plan.setCellLocked(kGuilty, true);
    EXPECT_FALSE(page().offerButton()->isEnabled());
}

TEST_F(BlamePageTest, AsksForAJob) {
    openArtifact();
    window().inspectView()->tabs()->setCurrentWidget(&page());
    QSignalSpy asked(window().inspectView(), &InspectView::blameRequested);
    page().text()->setPlainText(u"The capital of France is"_s);
    page().tokenBox()->setValue(5);
    page().findButton()->click();
    ASSERT_EQ(asked.count(), 1);
    EXPECT_EQ(asked[0][0].toString(), u"The capital of France is"_s);
    EXPECT_EQ(asked[0][1].toInt(), 5);
}

TEST_F(BlamePageTest, OffersToChatWithTheOriginals) {
    openArtifact();
    openBlame();
    QSignalSpy asked(window().inspectView(), &InspectView::putBackRequested);
    page().countBox()->setValue(2);
    page().putBackButton()->click();
    ASSERT_EQ(asked.count(), 1);
    const QStringList cells = asked[0][0].toStringList();
    ASSERT_EQ(cells.size(), 2);
    EXPECT_EQ(cells.first(), QString::fromStdString(cellName(kGuilty)));
    EXPECT_TRUE(window().chatView()->isVisible());
}

TEST_F(BlamePageTest, ExplainsAWordOfAnAnswer) {
    openArtifact();
    window().setMode(Mode::Chat);
    BlameQuestion question;
    question.request = {{u"messages"_s, QJsonArray{u"asked"_s}}};
    question.byte = 12;
    question.word = u"Paris"_s;
    const QString explained = blameFile(u"abcd"_s) + u".explained"_s;
    QFile::remove(explained);
    Q_EMIT window().chatView()->blameRequested(question);
    EXPECT_TRUE(page().isVisible()) << "the page that will tell is in front";
    EXPECT_TRUE(page().expected()->text().contains(u"Paris"_s));
    ASSERT_TRUE(QTest::qWaitFor([&] { return QFile::exists(explained); }, kPatience));
    QFile file(explained);
    ASSERT_TRUE(file.open(QIODevice::ReadOnly));
    EXPECT_EQ(QJsonDocument::fromJson(file.readAll()).object(), question.request);
    ASSERT_TRUE(QTest::qWaitFor([&] { return !window().runsView()->selectedJob().isEmpty(); }));
    QFile job(root_.filePath(u"jobs/"_s) + window().runsView()->selectedJob() + u"/job.json"_s);
    ASSERT_TRUE(QTest::qWaitFor([&] { return job.exists(); }, kPatience));
    ASSERT_TRUE(job.open(QIODevice::ReadOnly));
    const QStringList arguments =
        QJsonDocument::fromJson(job.readAll()).object()[u"arguments"].toVariant().toStringList();
    EXPECT_EQ(arguments.value(arguments.indexOf(u"--request"_s) + 1), explained);
    EXPECT_EQ(arguments.value(arguments.indexOf(u"--byte"_s) + 1), u"12"_s);
    EXPECT_TRUE(QTest::qWaitFor([&] { return !page().expected()->isVisible(); }, kPatience))
        << "there is no program that could do it, so nothing is to be expected any more";
}

TEST_F(BlamePageTest, Looks) {
    window().resize(1440, 900);
    openArtifact();
    openBlame();
    for (const SchemeChoice scheme : {SchemeChoice::Dark, SchemeChoice::Light}) {
        EXPECT_EQ(picture(window(), u"inspect-blame"_s, scheme).size(), window().size());
    }
}

} // namespace
} // namespace caldera::studio
