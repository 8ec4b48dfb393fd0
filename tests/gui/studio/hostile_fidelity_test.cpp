// Fidelity that nobody should have measured: the studio stays alive, and says what is wrong.
#include <QDir>
#include <QPlainTextEdit>

#include <cmath>
#include <filesystem>
#include <limits>

#include "tests/gui/studio/large_model.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/models/planned_value.h"
#include "widgets/plan_view/budget_bar.h"
#include "widgets/support/error_banner.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr Cell kCell{0, Module::QProj};

class HostileFidelityTest : public StudioFixture {
protected:
    HostileFidelityTest() {
        config_.layerCount = 4;
        report_ = largeFidelity(config_);
    }
    FidelityMetric& proxy() { return report_.fidelity.front(); }
    FidelityMetric& kl() { return report_.fidelity.back(); }
    /// Opens the model with the report, looks at every mode, moves, paints.
    void useIt() {
        OpenResult result = measuredModel(config_);
        result.fidelity = std::make_shared<const Report>(report_);
        window().session().show(result);
        for (int mode = 0; mode < kModeCount; ++mode) {
            window().setMode(static_cast<Mode>(mode));
            EXPECT_FALSE(window().grab().isNull());
        }
        window().setMode(Mode::Plan);
        window().planView()->banner()->clear();
        view().setFocus();
        for (const MetricLayer& metric : window().session().metrics()) {
            window().planView()->heatmap()->showMetric(metric.id);
            EXPECT_FALSE(window().grab().isNull());
        }
        click(kCell);
        press(Qt::Key_4);
        press(Qt::Key_BracketRight);
        EXPECT_EQ(plan().settingsOf(kCell).bits, 4);
    }
    /// Asks the solver; the code and the sentence of its refusal, empty ones where it solved.
    Failure solve() {
        const PlanSolver& solver = window().planView()->solver();
        Failure told;
        bool ended = false;
        QObject here;
        QObject::connect(&solver, &PlanSolver::failed, &here, [&](const Failure& failure) {
            told = failure;
            ended = true;
        });
        QObject::connect(&solver, &PlanSolver::solved, &here, [&] { ended = true; });
        window().planView()->budget()->solveButton()->click();
        EXPECT_TRUE(QTest::qWaitFor([&] { return ended && !solver.busy(); }, kPatience));
        EXPECT_FALSE(window().grab().isNull());
        return told;
    }
    void expectRefused(const QString& code, const QString& part) {
        const Plan before = plan().plan();
        const Failure told = solve();
        EXPECT_EQ(told.code, code);
        EXPECT_TRUE(told.sentence.contains(part)) << told.sentence.toStdString();
        const ErrorBanner* banner = window().planView()->banner();
        EXPECT_TRUE(banner->isVisible());
        EXPECT_EQ(banner->sentence(), told.sentence);
        EXPECT_EQ(plan().plan(), before) << "what cannot be solved changes nothing";
    }
    void expectSolved() {
        const Failure told = solve();
        EXPECT_EQ(told.code, QString()) << told.sentence.toStdString();
        EXPECT_FALSE(window().planView()->banner()->isVisible());
    }

    ModelConfig config_ = seventyTwo();
    Report report_;
};

TEST_F(HostileFidelityTest, ErrorsThatAreNoNumbersAreNamed) {
    for (const double value : {kNan, kInfinite, -kInfinite, -1.0, 1e308}) {
        SCOPED_TRACE(value);
        report_ = largeFidelity(config_);
        proxy().values[kCell] = value;
        proxy().options[kCell].front().relativeError = value;
        useIt();
        expectRefused(
            u"allocation.measurement"_s,
            u"model.layers.0.self_attn.q_proj: the report says that a relative error is "_s);
    }
}

TEST_F(HostileFidelityTest, DivergencesThatAreNoNumbersAreNamed) {
    for (const double value : {kNan, kInfinite, -kInfinite, -1.0, 1e308}) {
        SCOPED_TRACE(value);
        report_ = largeFidelity(config_);
        kl().values[kCell] = value;
        useIt();
        expectRefused(
            u"allocation.measurement"_s,
            u"model.layers.0.self_attn.q_proj: the report says that a KL divergence is "_s);
        report_ = largeFidelity(config_);
        kl().errorLevels[{1, Module::KProj}] = value;
        useIt();
        expectRefused(u"allocation.measurement"_s,
                      u"model.layers.1.self_attn.k_proj: the report says that the error level"_s);
    }
}

TEST_F(HostileFidelityTest, ZeroIsANumber) {
    proxy().values[kCell] = 0;
    proxy().options[kCell].front().relativeError = 0;
    kl().values[kCell] = 0;
    kl().errorLevels[{1, Module::KProj}] = 0;
    useIt();
    expectSolved();
}

TEST_F(HostileFidelityTest, OptionsOfNoCodec) {
    proxy().options[kCell] = {{-1, -16, 0.5}, {0, 0, 0.4}, {1e9, 2000000000, 0.3}};
    proxy().options[{1, Module::QProj}] = {};
    proxy().settings[kCell].codec = "no such codec";
    report_.cells[kCell].settings.codec = "no such codec";
    report_.cells[kCell].hessianSingularValues = {NAN, -1, INFINITY};
    useIt();
    expectSolved();
    EXPECT_GE(plan().settingsOf(kCell).bits, 1) << "bits of the plan's codec";
}

TEST_F(HostileFidelityTest, NamesOfAnyKind) {
    FidelityMetric odd = kl();
    odd.name = "<b>bold</b>\n" + std::string(5000, 'x') + "\xc3\xa9";
    report_.fidelity.push_back(odd);
    report_.run["model"] = std::string(100000, 'm');
    useIt();
    expectSolved();
}

/// A report that is opened beside the model, and is none for it.
class HostileFidelityFileTest : public HostileFidelityTest {
protected:
    HostileFidelityFileTest() {
        window().session().show(measuredModel(config_));
        window().setMode(Mode::Plan);
    }
    void expectLeftOut(const QString& code, const QString& part) {
        const auto before = window().session().fidelity();
        const auto files = QDir(root_.path()).entryList(QDir::AllEntries | QDir::NoDotAndDotDot);
        window().session().openReport(file_);
        ASSERT_TRUE(settled());
        const ErrorBanner* banner = window().planView()->banner();
        EXPECT_TRUE(banner->sentence().contains(part)) << banner->sentence().toStdString();
        const QString details = banner->findChild<QPlainTextEdit*>()->toPlainText();
        EXPECT_TRUE(details.startsWith(u"Error code: "_s + code)) << details.toStdString();
        EXPECT_EQ(window().session().fidelity(), before) << "what was there stays";
        EXPECT_EQ(QDir(root_.path()).entryList(QDir::AllEntries | QDir::NoDotAndDotDot), files);
        EXPECT_EQ(window().planView()->heatmap()->grid().layerCount(), 4);
        expectSolved();
    }

    const QString file_ = root_.filePath(u"measured.h5"_s);
};

TEST_F(HostileFidelityFileTest, OfAnotherModel) {
    ModelConfig larger = config_;
    larger.layerCount = 9;
    writeReport(largeFidelity(larger), file_.toStdString());
    expectLeftOut(u"report.model"_s, u"9 layers"_s);
}

TEST_F(HostileFidelityFileTest, CutShort) {
    writeReport(report_, file_.toStdString());
    std::filesystem::resize_file(file_.toStdString(),
                                 std::filesystem::file_size(file_.toStdString()) / 2);
    expectLeftOut(u"report.corrupt"_s, u"measured.h5"_s);
}

TEST_F(HostileFidelityFileTest, WithOptionsThatMislead) {
    proxy().options[kCell].front().relativeError = kNan;
    writeReport(report_, file_.toStdString());
    expectLeftOut(u"report.corrupt"_s, u"relative errors of options"_s);
}

} // namespace
} // namespace caldera::studio
