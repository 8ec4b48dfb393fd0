// Fidelity that nobody should have measured: the studio stays alive, and says what is wrong.
#include <cmath>
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
    /// Opens the model with the report, looks at every mode, moves, paints, solves.
    void useIt() {
        OpenResult result = measuredModel(config_);
        result.fidelity = std::make_shared<const Report>(report_);
        window().session().show(result);
        for (int mode = 0; mode < kModeCount; ++mode) {
            window().setMode(static_cast<Mode>(mode));
            EXPECT_FALSE(window().grab().isNull());
        }
        window().setMode(Mode::Plan);
        view().setFocus();
        for (const MetricLayer& metric : window().session().metrics()) {
            window().planView()->heatmap()->showMetric(metric.id);
            EXPECT_FALSE(window().grab().isNull());
        }
        click(kCell);
        press(Qt::Key_4);
        press(Qt::Key_BracketRight);
        window().planView()->budget()->solveButton()->click();
        EXPECT_TRUE(
            QTest::qWaitFor([this] { return !window().planView()->solver().busy(); }, kPatience));
        EXPECT_FALSE(window().grab().isNull());
    }

    ModelConfig config_ = seventyTwo();
    Report report_;
};

TEST_F(HostileFidelityTest, NumbersThatAreNone) {
    for (const double value : {kNan, kInfinite, -kInfinite, -1.0, 1e308, 0.0}) {
        SCOPED_TRACE(value);
        report_ = largeFidelity(config_);
        proxy().values[kCell] = value;
        kl().values[kCell] = value;
        kl().errorLevels[{1, Module::KProj}] = value;
        proxy().options[kCell].front().relativeError = value;
        useIt();
    }
}

TEST_F(HostileFidelityTest, OptionsOfNoCodec) {
    proxy().options[kCell] = {{-1, -16, 0.5}, {0, 0, 0.4}, {1e9, 2000000000, 0.3}};
    proxy().options[{1, Module::QProj}] = {};
    report_.cells[kCell].settings.codec = "no such codec";
    report_.cells[kCell].hessianSingularValues = {NAN, -1, INFINITY};
    useIt();
}

TEST_F(HostileFidelityTest, NamesOfAnyKind) {
    FidelityMetric odd = kl();
    odd.name = "<b>bold</b>\n" + std::string(5000, 'x') + "\xc3\xa9";
    report_.fidelity.push_back(odd);
    report_.run["model"] = std::string(100000, 'm');
    useIt();
}

TEST_F(HostileFidelityTest, AReportOfAnotherModelIsNotTakenForThisOne) {
    window().session().show(measuredModel(config_));
    window().setMode(Mode::Plan);
    ModelConfig larger = config_;
    larger.layerCount = 9;
    const QString file = root_.filePath(u"larger.h5"_s);
    writeReport(largeFidelity(larger), file.toStdString());
    window().session().openReport(file);
    ASSERT_TRUE(settled());
    EXPECT_EQ(window().planView()->heatmap()->grid().layerCount(), 4);
    EXPECT_TRUE(window().planView()->banner()->sentence().contains(u"9 layers"_s))
        << window().planView()->banner()->sentence().toStdString();
    EXPECT_EQ(window().session().fidelity()->layerCount, 4) << "what was there stays";
    window().planView()->budget()->solveButton()->click();
    EXPECT_TRUE(
        QTest::qWaitFor([this] { return !window().planView()->solver().busy(); }, kPatience));
}

} // namespace
} // namespace caldera::studio
