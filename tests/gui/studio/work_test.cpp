// The studio with the real `caldera`: compress, close, find again, cancel, resume, chat.
#include <QCheckBox>
#include <QComboBox>
#include <QDir>
#include <QDoubleSpinBox>
#include <QFile>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QToolButton>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/artifact/artifact.h"
#include "core/base/file.h"
#include "core/base/paths.h"
#include "core/job/revision.h"
#include "tests/gui/studio/studio_work.h"
#include "widgets/chat/chat_view.h"
#include "widgets/heatmap/heatmap_legend.h"
#include "widgets/heatmap/heatmap_panel.h"
#include "widgets/inspect_view/blame_page.h"
#include "widgets/inspect_view/inspect_view.h"
#include "widgets/models/open_facts.h"
#include "widgets/plan_view/budget_bar.h"
#include "widgets/plan_view/measure_dialog.h"
#include "widgets/plan_view/preflight_line.h"
#include "widgets/runs/runs_view.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/notice_bar.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

TEST_F(StudioWork, ARunOutlivesTheWindowAndItsResultAnswers) {
    openWindow();
    openDemo();
    compress();
    ASSERT_TRUE(aCellIsFinished());
    ASSERT_NE(window_->session().metric(u"live"_s), nullptr) << job().message.toStdString();
    const CellGridModel& grid = window_->planView()->heatmap()->grid();
    EXPECT_TRUE(grid.cellAt({0, Module::QProj}).value.has_value()) << "cells fill in";
    // With so little text no cell ends as it was measured: marks, and room for what they mean.
    const auto* legend = window_->planView()->heatmap()->findChild<HeatmapLegend*>();
    EXPECT_TRUE(legend->toolTip().contains(u"triangle"_s));
    EXPECT_LE(legend->usedWidth(), legend->width());
    photograph(*window_, u"plan-live"_s);
    window_->setMode(Mode::Runs);
    photograph(*window_, u"runs-live"_s);
    window_.reset(); // the studio is closed while the worker runs

    openWindow();
    QList<int> numbers;
    QObject::connect(&window_->jobs(), &JobService::jobEvent, window_.get(),
                     [&](const QString&, const QJsonObject& event) {
                         numbers.append(event.value(u"seq").toInt());
                     });
    ASSERT_TRUE(wait([&] { return hasEnded(); }));
    EXPECT_EQ(job().phase, u"done"_s) << job().message.toStdString();
    for (qsizetype at = 0; at < numbers.size(); ++at) {
        ASSERT_EQ(numbers[at], at) << "every line once, in order";
    }
    QStringList cells = finishedCells();
    EXPECT_GE(cells.size(), kCompressedLayers * 7);
    EXPECT_EQ(cells.removeDuplicates(), 0);
    window_->setMode(Mode::Runs);
    photograph(*window_, u"runs-done"_s);

    window_->openPath(artifact());
    ASSERT_TRUE(wait([&] { return !window_->session().busy(); }));
    EXPECT_EQ(window_->session().facts()->kind, OpenKind::Artifact);
    EXPECT_TRUE(window_->inspectView()->heatmap()->mostFragile().has_value());
    const std::string kept = evaluationFile(window_->session().facts()->artifactHash).toStdString();
    writeFileAtomically(kept, "half of a report");
    window_->openPath(artifact());
    ASSERT_TRUE(wait([&] { return !window_->session().busy(); }));
    EXPECT_FALSE(std::filesystem::exists(kept)) << "it would be in the way of the next";
    EXPECT_TRUE(std::filesystem::remove(kept + ".damaged"));
    const std::string blamed = blameFile(window_->session().facts()->artifactHash).toStdString();
    writeFileAtomically(blamed, "half of a report");
    window_->inspectView()->blame()->text()->setPlainText(u"Once upon a time there was a cat."_s);
    window_->inspectView()->blame()->findButton()->click();
    ASSERT_TRUE(wait([&] { return window_->session().blame() != nullptr; }));
    EXPECT_EQ(window_->inspectView()->heatmap()->metricId(), u"blame"_s);
    EXPECT_TRUE(std::filesystem::remove(blamed + ".damaged"));
    EXPECT_LT(window_->inspectView()->heatmap()->mostFragile()->layer, kCompressedLayers)
        << "the others were kept";
    window_->setMode(Mode::Chat);
    window_->chatView()->send(u"Hello!"_s);
    ASSERT_TRUE(wait([&] { return !window_->chatView()->isStreaming(); }));
    const ChatMessage answer = window_->chatView()->conversation().path().last();
    EXPECT_EQ(answer.role, ChatRole::Assistant);
    EXPECT_EQ(answer.error, QString());
    EXPECT_FALSE(answer.text.isEmpty());
}

TEST_F(StudioWork, TheDialogSaysWhatARunTakesAndHoldsBackWhatDoesNotFit) {
    openWindow();
    openDemo();
    window_->planView()->compressButton()->click();
    LaunchDialog* dialog = nullptr;
    ASSERT_TRUE(wait([&] {
        dialog = window_->findChild<LaunchDialog*>();
        return dialog != nullptr && dialog->isVisible();
    }));
    PreflightLine* line = dialog->preflight();
    ASSERT_TRUE(wait([&] { return line->text().contains(u"Needs"); }))
        << line->text().toStdString();
    EXPECT_TRUE(dialog->startButton()->isEnabled());
    photograph(*dialog, u"launch-fits"_s);
    ASSERT_TRUE(QDir(root_.path()).mkpath(u"taken/other"_s));
    dialog->folder()->setText(root_.filePath(u"taken"_s));
    ASSERT_TRUE(wait([&] { return line->text().contains(u"not empty"); }))
        << line->text().toStdString();
    EXPECT_FALSE(dialog->startButton()->isEnabled());
    dialog->folder()->setText(artifact());
    ASSERT_TRUE(wait([&] { return line->text().contains(u"Needs"); }))
        << line->text().toStdString();
    Preflight tight;
    tight.items = {{"memory", "", int64_t{20} << 30, int64_t{8} << 30},
                   {"disk", "/", int64_t{2} << 30, int64_t{90} << 30}};
    tight.time = {2688, 3};
    tight.advice = "It would fit with --calibration-tokens 32768.";
    line->showAnswer(tight);
    EXPECT_FALSE(dialog->startButton()->isEnabled());
    photograph(*dialog, u"launch-tight"_s);
    line->forceBox()->setChecked(true);
    EXPECT_TRUE(dialog->startButton()->isEnabled());
    EXPECT_TRUE(dialog->settings().forces);
    dialog->reject();
}

TEST_F(StudioWork, ARunTakesUpThePlanThatIsChangedMeanwhile) {
    // The worker waits at its first step, so that a fast machine is not done before.
    const QString waiting = root_.filePath(u"waiting"_s);
    std::ofstream(waiting.toStdString())
        << "#!/bin/sh\nfor folder; do :; done\necho pause > \"$folder/control\"\n"
           "exec '" WORKER "' \"$@\"\n";
    std::filesystem::permissions(waiting.toStdString(), std::filesystem::perms::owner_all);
    openWindow(waiting);
    openDemo();
    EXPECT_FALSE(window_->planView()->reviseButton()->isVisible());
    compress();
    const JobFolder folder(window_->jobs().folderOf(id_).toStdString());
    ASSERT_TRUE(wait([&] { return job().phase == u"paused"; })) << job().message.toStdString();
    PlanDocument& plan = window_->session().plan();
    plan.setCellBits({0, Module::DownProj}, 3);
    plan.setCellBits({1, Module::DownProj}, 3);
    QPushButton* revise = window_->planView()->reviseButton();
    ASSERT_TRUE(wait([&] { return revise->isVisible(); }));
    photograph(*window_, u"plan-revise"_s);
    revise->click();
    ASSERT_TRUE(wait([&] { return revisedPlan(folder).has_value(); }));
    window_->jobs().resume(id_);
    ASSERT_TRUE(wait([&] { return hasEnded(); }));
    ASSERT_EQ(job().phase, u"done"_s) << job().message.toStdString();
    const auto made = Artifact::open(artifact().toStdString());
    EXPECT_EQ(made->plan().settingsOf({0, Module::DownProj}).bits, 3);
    EXPECT_EQ(made->plan().settingsOf({1, Module::DownProj}).bits, 3);
    EXPECT_FALSE(revise->isVisible());
}

TEST_F(StudioWork, FromTheFirstStartToAPlanThatFitsABudget) {
    openWindow();
    window_->openAtStart();
    ASSERT_TRUE(wait([&] { return !window_->session().busy(); }));
    PlanView& page = *window_->planView();
    EXPECT_TRUE(page.notice()->sentence().contains(u"Solve"_s)) << "what to do first";
    EXPECT_TRUE(page.solver().losses() != nullptr) << "it comes measured";
    photograph(*window_, u"first-start"_s);
    page.measureButton()->click();
    auto* dialog = window_->findChild<MeasureDialog*>();
    dialog->form()->metricBox(u"kl"_s)->setChecked(false); // errors alone, to be quick
    for (QSpinBox* box : dialog->findChildren<QSpinBox*>()) {
        box->setValue(256);
    }
    dialog->accept();
    ASSERT_TRUE(wait([&] { return window_->jobs().jobs().size() == 1; }));
    id_ = window_->jobs().jobs().first().id;
    ASSERT_TRUE(wait([&] {
        return hasEnded() && page.notice()->sentence().startsWith(u"Measured"_s) &&
               !window_->session().busy();
    })) << job().message.toStdString();
    EXPECT_TRUE(page.notice()->sentence().contains(u"Solve"_s)) << "what to do next";
    EXPECT_TRUE(window_->session().metric(u"kl"_s) != nullptr) << "as it came with the model";
    photograph(*window_, u"measured"_s);
    QComboBox& kind = *page.budget()->kindBox();
    kind.setCurrentText(u"Bits per weight"_s);
    Q_EMIT kind.activated(kind.currentIndex());
    page.budget()->amountBox()->setValue(2.2);
    page.budget()->solveButton()->click();
    ASSERT_TRUE(wait([&] { return !page.solver().busy(); }));
    const double bits = window_->session().plan().size().bitsPerWeight;
    EXPECT_LE(bits, 2.2);
    EXPECT_GT(bits, 2.15);
    photograph(*window_, u"fits"_s);
}

TEST_F(StudioWork, CancelKeepsWhatIsFinishedAndResumeGoesOn) {
    openWindow();
    openDemo();
    compress();
    ASSERT_TRUE(aCellIsFinished());
    const QList<QToolButton*> buttons = window_->findChildren<QToolButton*>();
    const auto cancel = std::find_if(buttons.begin(), buttons.end(), [](const QToolButton* one) {
        return one->accessibleName() == u"Cancel the run" && one->isVisible();
    });
    ASSERT_NE(cancel, buttons.end()) << "the status line shows the run in every mode";
    (*cancel)->click();
    ASSERT_TRUE(wait([&] { return hasEnded(); }));
    ASSERT_EQ(job().phase, u"cancelled"_s) << job().message.toStdString();
    EXPECT_TRUE(window_->planView()->notice()->isHidden()) << "nothing is at work";
    window_->setMode(Mode::Runs);
    photograph(*window_, u"runs-cancelled"_s);
    const qsizetype before = finishedCells().size();
    EXPECT_GE(before, 1);

    window_->jobs().resume(id_);
    ASSERT_TRUE(wait([&] { return job().active(); }));
    ASSERT_TRUE(wait([&] { return hasEnded(); }));
    EXPECT_EQ(job().phase, u"done"_s) << job().message.toStdString();
    const QList<JobCell> cells = window_->jobs().history(id_).cells();
    EXPECT_GE(
        std::count_if(cells.begin(), cells.end(), [](const JobCell& cell) { return cell.reused; }),
        before - 1)
        << "what was finished is not computed again";
}

TEST_F(StudioWork, AFailureIsToldWhereTheRunWasAskedFor) {
    openWindow();
    openDemo();
    ASSERT_TRUE(QDir(root_.path()).mkpath(u"artifact/other"_s)); // which no run writes into
    compress();
    ASSERT_TRUE(wait([&] { return hasEnded(); }));
    ASSERT_EQ(job().phase, u"failed"_s);
    const ErrorBanner& banner = *window_->planView()->banner();
    EXPECT_FALSE(banner.isHidden());
    EXPECT_TRUE(banner.sentence().contains(job().message)) << banner.sentence().toStdString();
    EXPECT_TRUE(window_->planView()->notice()->isHidden()) << "nothing is at work";
}

TEST_F(StudioWork, AModelOpenedLaterShowsTheCellsThatWereFinishedBefore) {
    openWindow(QStringLiteral(FAKE_WORKER));
    const std::filesystem::path model = std::filesystem::absolute(resourcesFolder() / "demo-model");
    id_ = window_->jobs().start(
        u"compress"_s, u"two parts"_s,
        {u"two-parts"_s, QString::fromStdString(model.lexically_normal().string())});
    ASSERT_TRUE(wait([&] { return finishedCells().size() == 20 || hasEnded(); }));
    window_->openAtStart();
    ASSERT_TRUE(wait([&] { return !window_->session().busy(); }));
    const MetricLayer* live = window_->session().metric(u"live"_s);
    ASSERT_NE(live, nullptr);
    EXPECT_EQ(live->values.size(), 20U);
    QFile go(job().folder + u"/go"_s);
    ASSERT_TRUE(go.open(QIODevice::WriteOnly));
    ASSERT_TRUE(wait([&] { return hasEnded(); }));
    EXPECT_EQ(finishedCells().size(), 40);
    EXPECT_EQ(window_->session().metric(u"live"_s), nullptr) << "the run has ended";
}

} // namespace
} // namespace caldera::studio
