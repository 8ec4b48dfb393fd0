// From the Measure button over its dialog to the job that is asked for.
#include "widgets/plan_view/measure_dialog.h"

#include <QCheckBox>
#include <QFile>
#include <QPushButton>
#include <QSpinBox>
#include <QTableView>

#include "core/plan/plan.h"
#include "tests/gui/pictures.h"
#include "tests/gui/studio/studio_fixture.h"
#include "widgets/jobs/job_service.h"
#include "widgets/models/module_table_model.h"
#include "widgets/plan_view/text_choice.h"
#include "widgets/support/number_text.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

class MeasureTest : public StudioFixture {
protected:
    MeasureTest() {
        openDemo();
        window().setMode(Mode::Plan);
        window().planView()->measureButton()->click();
        dialog_ = window().findChild<MeasureDialog*>();
    }
    void setChecked(const QString& metric, bool on) {
        dialog_->form()->metricBox(metric)->setChecked(on);
    }
    QString write(const QString& name, const QByteArray& bytes) {
        QFile file(root_.filePath(name));
        EXPECT_TRUE(file.open(QIODevice::WriteOnly));
        file.write(bytes);
        return file.fileName();
    }
    bool lookedAt(const TextChoice& choice) {
        return QTest::qWaitFor([&] { return !choice.finding().isEmpty(); }, kPatience);
    }
    MeasureDialog* dialog_ = nullptr;
};

TEST_F(MeasureTest, BeginsWithWhatTheSolverNeeds) {
    ASSERT_NE(dialog_, nullptr);
    EXPECT_EQ(dialog_->settings().metrics, (QStringList{u"proxy"_s, u"kl"_s}));
    EXPECT_TRUE(dialog_->startButton()->isEnabled());
    EXPECT_TRUE(dialog_->form()->estimate().startsWith(u"About "_s))
        << dialog_->form()->estimate().toStdString();
    for (const SchemeChoice scheme : {SchemeChoice::Light, SchemeChoice::Dark}) {
        EXPECT_LE(picture(*dialog_, u"measure"_s, scheme).height(), 720);
    }
    Theme::current().setChoice(SchemeChoice::System);
}

TEST_F(MeasureTest, TheTableFollowsARunAsTheHeatmapDoes) {
    Session& session = window().session();
    session.beginLive(u"Fragility, so far"_s, u"kl"_s);
    const auto* table = window().planView()->findChild<QTableView*>(u"moduleTable"_s);
    const auto shows = [table](double value) {
        const QModelIndex mean = table->model()->index(0, ModuleTableModel::Mean);
        return QTest::qWaitFor([&] { return mean.data().toString() == figureText(value); },
                               kPatience);
    };
    session.takeLiveCell({0, kModules.front()}, 0.25, {});
    EXPECT_TRUE(shows(0.25));
    session.takeLiveCell({1, kModules.front()}, 0.75, {});
    EXPECT_TRUE(shows(0.5));
}

TEST_F(MeasureTest, AsksOnlyForWhatTheMetricsUse) {
    setChecked(u"kl"_s, false);
    EXPECT_FALSE(dialog_->form()->text()->isEnabled());
    setChecked(u"proxy"_s, false);
    EXPECT_FALSE(dialog_->startButton()->isEnabled());
    setChecked(u"lens"_s, true);
    EXPECT_TRUE(dialog_->form()->text()->isEnabled());
    EXPECT_FALSE(dialog_->form()->calibration()->isEnabled());
    EXPECT_TRUE(dialog_->startButton()->isEnabled());
}

TEST_F(MeasureTest, IsAsHighWithAnyChoice) {
    const int height = dialog_->height();
    for (const QString& metric : {u"kl"_s, u"proxy"_s, u"lens"_s, u"sipit"_s}) {
        QCheckBox* box = dialog_->form()->metricBox(metric);
        box->setChecked(!box->isChecked());
        EXPECT_EQ(dialog_->height(), height) << metric.toStdString();
    }
}

TEST_F(MeasureTest, LooksAtTextsBeforeItStarts) {
    TextChoice& text = *dialog_->form()->text();
    text.setPath(write(u"latin.txt"_s, "caf\xE9"));
    EXPECT_FALSE(dialog_->startButton()->isEnabled()) << "not looked at yet";
    ASSERT_TRUE(lookedAt(text));
    EXPECT_TRUE(text.finding().contains(u"UTF-8"_s)) << text.finding().toStdString();
    EXPECT_FALSE(dialog_->startButton()->isEnabled());
    setChecked(u"kl"_s, false); // which alone needs it
    EXPECT_TRUE(dialog_->startButton()->isEnabled());
    setChecked(u"kl"_s, true);
    text.setPath(root_.filePath(u"none.txt"_s));
    ASSERT_TRUE(lookedAt(text));
    EXPECT_FALSE(dialog_->startButton()->isEnabled());
    text.setPath(write(u"good.txt"_s, "caf\xC3\xA9"));
    ASSERT_TRUE(lookedAt(text));
    EXPECT_TRUE(dialog_->startButton()->isEnabled()) << text.finding().toStdString();
    text.setPath({});
    EXPECT_TRUE(dialog_->startButton()->isEnabled());
}

TEST_F(MeasureTest, CountsNoTokensThatATextDoesNotHave) {
    auto* tokens = dialog_->form()->findChildren<QSpinBox*>().last();
    TextChoice& text = *dialog_->form()->text();
    ASSERT_TRUE(QTest::qWaitFor([&] { return text.bytes() > 0; }, kPatience)) << "its own";
    tokens->setValue(512);
    const QString usual = dialog_->form()->estimate();
    text.setPath(write(u"short.txt"_s, QByteArray(2048, 'x')));
    ASSERT_TRUE(lookedAt(text));
    tokens->setValue(1 << 20);
    EXPECT_EQ(dialog_->form()->work().textTokens, 512);
    EXPECT_EQ(dialog_->form()->estimate(), usual);
    EXPECT_EQ(dialog_->settings().textTokens, 1 << 20) << "asked for all the same";
}

TEST_F(MeasureTest, StartsTheJobThatWasAskedFor) {
    press(Qt::Key_Escape);
    plan().setCellSkipped({2, Module::VProj}, true);
    window().planView()->measureButton()->click();
    dialog_ = window().findChildren<MeasureDialog*>().last();
    setChecked(u"sipit"_s, true);
    dialog_->form()->text()->setPath(write(u"own.txt"_s, "some text"));
    ASSERT_TRUE(lookedAt(*dialog_->form()->text()));
    dialog_->accept();
    ASSERT_TRUE(QTest::qWaitFor([this] { return !window().jobs().jobs().isEmpty(); }, kPatience));
    const QStringList arguments = window().jobs().jobs().first().arguments;
    const auto after = [&arguments](const QString& option) {
        return arguments.value(arguments.indexOf(option) + 1);
    };
    EXPECT_EQ(arguments.first(), u"fidelity"_s);
    EXPECT_EQ(after(u"--metric"_s), u"proxy,kl,sipit"_s);
    EXPECT_EQ(after(u"--text"_s), root_.filePath(u"own.txt"_s));
    EXPECT_EQ(after(u"--text-tokens"_s), u"512"_s);
    EXPECT_TRUE(loadPlan(after(u"--plan"_s).toStdString()).settingsOf({2, Module::VProj}).skip)
        << "the plan as it is";
}

} // namespace
} // namespace caldera::studio
