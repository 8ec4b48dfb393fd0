// Runs that the window begins on another machine, with a real sshd on the loopback.
#include <QAction>
#include <QCheckBox>
#include <QComboBox>
#include <QFile>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/artifact/artifact.h"
#include "core/model/outline.h"
#include "core/report/kept_reports.h"
#include "tests/gui/remote/loopback_sshd.h"
#include "tests/gui/studio/studio_work.h"
#include "widgets/inspect_view/inspect_view.h"
#include "widgets/plan_view/evaluate_form.h"
#include "widgets/plan_view/measure_dialog.h"
#include "widgets/plan_view/preflight_line.h"
#include "widgets/plan_view/text_choice.h"
#include "widgets/remote/open_elsewhere_dialog.h"
#include "widgets/remote/target_store.h"
#include "widgets/runs/runs_view.h"
#include "widgets/support/notice_bar.h"

namespace caldera::studio {
namespace {

class StudioElsewhere : public StudioWork {
protected:
    bool bothSay(const QString& words) {
        const auto says = [&words](const NoticeBar* notice) {
            return notice->isVisibleTo(notice->parentWidget()) &&
                   notice->sentence().contains(words);
        };
        return wait([&] {
            return says(window_->runsView()->notice()) && says(window_->planView()->notice());
        });
    }
    /// From the button beside the result over a broken connection to the end of the server.
    void chatThere(const QString& made, LoopbackSshd& server) {
        window_->setMode(Mode::Runs);
        window_->runsView()->selectJob(made);
        const auto buttons = window_->runsView()->findChildren<QPushButton*>();
        const auto chat = std::find_if(buttons.begin(), buttons.end(), [](QPushButton* each) {
            return each->text().startsWith(u"Chat on ") && each->isVisible();
        });
        ASSERT_NE(chat, buttons.end());
        const auto dialogs = window_->findChildren<BeginDialog*>().size();
        (*chat)->click();
        ASSERT_EQ(window_->findChildren<BeginDialog*>().size(), dialogs + 1);
        window_->findChildren<BeginDialog*>().last()->accept();
        ASSERT_TRUE(bothSay(u"answers"_s));
        const QString id = window_->jobs().running().first().id;
        server.stop();
        ASSERT_TRUE(bothSay(u"is being restored"_s));
        photograph(*window_, u"runs-server-away"_s);
        server.start();
        window_->jobs().resume(id);
        ASSERT_TRUE(bothSay(u"answers"_s));
        window_->jobs().cancel(id);
        EXPECT_TRUE(wait([&] {
            return !window_->runsView()->notice()->isVisible() &&
                   window_->planView()->notice()->isHidden();
        })) << "it ended";
    }
};

TEST_F(StudioElsewhere, ARunOnAnotherMachineFillsInAndComesHome) {
    LoopbackSshd server;
    openWindow(u"/nonexistent/caldera"_s); // nothing is done here
    openDemo();
    window_->targets().save(server.target());
    // A text of this machine weighs the errors: it is sent along.
    const QString text = root_.filePath(u"own text.txt"_s);
    std::ofstream(text.toStdString()) << "The words of this machine are sent to the other one.\n";
    Plan plan = window_->session().plan().plan();
    plan.calibration.text = text.toStdString();
    window_->session().plan().replace(u"own text"_s, plan);
    window_->planView()->compressButton()->click();
    LaunchDialog* dialog = nullptr;
    ASSERT_TRUE(wait([&] {
        dialog = window_->findChild<LaunchDialog*>();
        return dialog != nullptr && dialog->isVisible();
    }));
    dialog->targetChoice()->setCurrentText(server.target().name);
    EXPECT_FALSE(dialog->startButton()->isEnabled());
    dialog->modelThere()->setText(u"/nowhere/model"_s);
    dialog->preflight()->askButton()->click();
    ASSERT_TRUE(wait([&] { return dialog->preflight()->text().contains(u"/nowhere/model"); }))
        << dialog->preflight()->text().toStdString();
    EXPECT_FALSE(dialog->startButton()->isEnabled()) << "it would fail at once";
    photograph(*dialog, u"launch-no-model"_s);
    dialog->modelThere()->setText(QStringLiteral(CALDERA_SOURCE_DIR) + u"/resources/demo-model"_s);
    dialog->findChild<QSpinBox*>()->setValue(256);
    EXPECT_TRUE(dialog->startButton()->isEnabled());
    dialog->preflight()->askButton()->click();
    ASSERT_TRUE(wait([&] { return dialog->preflight()->text().contains(u"Needs"); }))
        << dialog->preflight()->text().toStdString();
    EXPECT_TRUE(dialog->startButton()->isEnabled());
    photograph(*dialog, u"launch-elsewhere"_s);
    dialog->accept();
    ASSERT_TRUE(wait([&] { return window_->jobs().jobs().size() == 1; }));
    id_ = window_->jobs().jobs().first().id;
    ASSERT_TRUE(aCellIsFinished());
    ASSERT_NE(window_->session().metric(u"live"_s), nullptr) << job().message.toStdString();
    window_->setMode(Mode::Runs);
    photograph(*window_, u"runs-elsewhere"_s);
    ASSERT_TRUE(wait([&] { return job().phase == u"done" || job().phase == u"failed"; }));
    ASSERT_EQ(job().phase, u"done"_s) << job().message.toStdString();
    EXPECT_TRUE(QFile::exists(job().hostFolder + u"/calibration.txt"_s));
    EXPECT_TRUE(loadPlan((job().outFolder + u"/plan.yaml"_s).toStdString())
                    .calibration.text.ends_with("/calibration.txt"));
    photograph(*window_, u"runs-elsewhere-done"_s);
    window_->openPath(window_->jobs().history(id_).artifact());
    ASSERT_TRUE(wait([&] { return !window_->session().busy(); }));
    EXPECT_EQ(window_->session().facts()->kind, OpenKind::Artifact);

    Q_EMIT window_->runsView()->evaluateThereRequested(id_);
    BeginDialog* begin = beginDialog();
    ASSERT_NE(begin, nullptr);
    EvaluateForm* form = begin->evaluation();
    ASSERT_NE(form, nullptr);
    std::filesystem::create_directory(root_.filePath(u"other"_s).toStdString());
    const QString words = root_.filePath(u"words.txt"_s);
    const QString questions = root_.filePath(u"other/words.txt"_s);
    std::ofstream(words.toStdString()) << std::string(2000, 'a') + " and more words";
    std::ofstream(questions.toStdString())
        << R"({"context": "The cat", "choices": [" sat", " flew"], "answer": 0})"
        << "\n";
    form->text()->setPath(words);
    form->addTasks({questions});
    form->context()->setValue(64);
    ASSERT_TRUE(wait([&] { return form->isSound(); }));
    photograph(*begin, u"begin-elsewhere"_s);
    begin->preflight()->askButton()->click();
    ASSERT_TRUE(wait([&] { return begin->preflight()->text().contains(u"Needs"); }))
        << begin->preflight()->text().toStdString();
    begin->accept();
    ASSERT_TRUE(wait([&] { return window_->jobs().jobs().size() == 2; }));
    id_ = window_->jobs().jobs().first().id;
    ASSERT_TRUE(wait([&] { return hasEnded(); }));
    ASSERT_EQ(job().phase, u"done"_s) << job().message.toStdString();
    ASSERT_TRUE(wait([&] { return !window_->session().evaluations().empty(); }));
    const auto& evaluations = window_->session().evaluations();
    ASSERT_EQ(evaluations.size(), 2U) << "the text and the questions travelled";
    EXPECT_TRUE(evaluations.back().numbers.contains("kl_mean"));
    EXPECT_EQ(evaluations.back().facts.at("text"), "words.txt");
    EXPECT_TRUE(evaluations.front().numbers.contains("accuracy"));
    // What the board shows after a restart, and `caldera export` finds.
    const auto kept = keptEvaluations(window_->session().facts()->artifactHash.toStdString());
    ASSERT_TRUE(wait([&] { return std::filesystem::exists(kept); }));
    EXPECT_EQ(readReport(kept).evaluations.size(), 2U);

    const QString made = window_->jobs().jobs().last().id;
    chatThere(made, server);
}

TEST_F(StudioWork, MeasuringElsewhereIsAskedInOneDialog) {
    const LoopbackSshd server;
    openWindow(u"/nonexistent/caldera"_s);
    openDemo();
    window_->targets().save(server.target());
    window_->planView()->measureButton()->click();
    auto* dialog = window_->findChild<LaunchDialog*>();
    ASSERT_NE(dialog, nullptr);
    EXPECT_EQ(window_->findChild<MeasureDialog*>(), nullptr);
    MeasureForm* form = dialog->measuring();
    ASSERT_NE(form, nullptr);
    EXPECT_TRUE(form->estimate().contains(u"this machine")) << form->estimate().toStdString();
    dialog->targetChoice()->setCurrentText(server.target().name);
    dialog->modelThere()->setText(QStringLiteral(CALDERA_SOURCE_DIR) + u"/resources/demo-model"_s);
    EXPECT_FALSE(form->estimate().contains(u"this machine")) << form->estimate().toStdString();
    EXPECT_TRUE(dialog->startButton()->isEnabled());
    for (const QString& metric : {u"proxy"_s, u"kl"_s}) {
        form->metricBox(metric)->setChecked(false);
    }
    EXPECT_FALSE(dialog->startButton()->isEnabled()) << "nothing would be measured";
    form->metricBox(u"lens"_s)->setChecked(true);
    photograph(*dialog, u"measure-elsewhere"_s);
    dialog->accept();
    ASSERT_TRUE(wait([&] { return window_->jobs().jobs().size() == 1; }));
    const JobSummary job = window_->jobs().jobs().first();
    EXPECT_EQ(job.host, server.target().name);
    EXPECT_EQ(job.arguments.value(job.arguments.indexOf(u"--metric"_s) + 1), u"lens"_s);
    window_->jobs().cancel(job.id);
}

TEST_F(StudioWork, AModelThatIsOnlyElsewhereIsPlannedForHereAndCompressedThere) {
    const LoopbackSshd server;
    openWindow(u"/nonexistent/caldera"_s); // nothing is done here
    window_->targets().save(server.target());
    window_->findChild<QAction*>(u"openElsewhere"_s)->trigger();
    auto* open = window_->findChild<OpenElsewhereDialog*>();
    ASSERT_NE(open, nullptr);
    EXPECT_FALSE(open->openButton()->isEnabled());
    const QString model = server.folder() + u"/demo-model"_s;
    std::filesystem::copy(CALDERA_SOURCE_DIR "/resources/demo-model", model.toStdString());
    open->place()->setText(model);
    photograph(*open, u"open-elsewhere"_s);
    open->openButton()->click();
    ASSERT_TRUE(wait([&] { return window_->session().facts() != nullptr; }));
    EXPECT_TRUE(isOutline(window_->session().facts()->path.toStdString()));
    EXPECT_EQ(window_->session().facts()->name, u"demo-model"_s);
    photograph(*window_, u"outline-open"_s);
    skipMostLayers();
    window_->setMode(Mode::Plan);
    window_->planView()->compressButton()->click();
    LaunchDialog* dialog = nullptr;
    ASSERT_TRUE(wait([&] {
        dialog = window_->findChild<LaunchDialog*>();
        return dialog != nullptr && dialog->isVisible();
    }));
    EXPECT_EQ(dialog->targetChoice()->currentText(), server.target().name);
    EXPECT_EQ(dialog->modelThere()->text(), model) << "it is known where it lies";
    EXPECT_TRUE(dialog->startButton()->isEnabled());
    dialog->targetChoice()->setCurrentIndex(0);
    EXPECT_FALSE(dialog->startButton()->isEnabled()) << "here are no weights";
    photograph(*dialog, u"launch-outline-here"_s);
    dialog->targetChoice()->setCurrentIndex(1);
    dialog->findChild<QSpinBox*>()->setValue(256);
    dialog->accept();
    ASSERT_TRUE(wait([&] { return window_->jobs().jobs().size() == 1; }));
    id_ = window_->jobs().jobs().first().id;
    ASSERT_TRUE(aCellIsFinished());
    EXPECT_NE(window_->session().metric(u"live"_s), nullptr) << job().message.toStdString();
    ASSERT_TRUE(wait([&] { return hasEnded(); }));
    ASSERT_EQ(job().phase, u"done"_s) << job().message.toStdString();
    EXPECT_TRUE(isArtifact(window_->jobs().history(id_).artifact().toStdString()));

    std::filesystem::rename(model.toStdString(),
                            model.toStdString() + ".away"); // not of this machine
    window_->openPath(window_->jobs().history(id_).artifact());
    ASSERT_TRUE(wait([&] { return !window_->session().busy(); }));
    Q_EMIT window_->inspectView()->evaluateRequested();
    BeginDialog* begin = beginDialog();
    ASSERT_NE(begin, nullptr);
    EXPECT_TRUE(begin->windowTitle().endsWith(server.target().name))
        << begin->windowTitle().toStdString() << ": the original is there";
}

} // namespace
} // namespace caldera::studio
