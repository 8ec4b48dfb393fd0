// What the parts of the window tell one another.
#include <QSettings>

#include "app/studio/job_actions.h"
#include "app/studio/job_line.h"
#include "app/studio/main_window.h"
#include "app/studio/plan_actions.h"
#include "app/studio/pod_actions.h"
#include "app/studio/served_chat.h"
#include "widgets/cell_panel/cell_panel.h"
#include "widgets/chat/chat_view.h"
#include "widgets/heatmap/heatmap_panel.h"
#include "widgets/heatmap/heatmap_view.h"
#include "widgets/inspect_view/inspect_view.h"
#include "widgets/jobs/job_service.h"
#include "widgets/model_view/model_view.h"
#include "widgets/plan_view/plan_view.h"
#include "widgets/remote/login_dialog.h"
#include "widgets/remote/model_fetch.h"
#include "widgets/remote/target_store.h"
#include "widgets/runs/runs_view.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/notice_bar.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

void MainWindow::connectViews() {
    connect(model_, &ModelView::openFolderRequested, this, &MainWindow::chooseFolder);
    connect(model_, &ModelView::openFileRequested, this, &MainWindow::chooseFile);
    connect(model_, &ModelView::openDemoRequested, this, &MainWindow::openDemo);
    connect(model_, &ModelView::openRequested, this,
            [this](const QString& path) { session_.open(path); });
    connect(plan_, &PlanView::openRequested, this, &MainWindow::chooseFolder);
    connect(plan_, &PlanView::measureRequested, this, &MainWindow::showMeasure);
    connect(plan_, &PlanView::compressRequested, actions_, &JobActions::suggestLaunch);
    connect(plan_, &PlanView::reviseRequested, actions_, &JobActions::revise);
    connect(inspect_, &InspectView::openReportRequested, this, &MainWindow::chooseReport);
    connect(inspect_, &InspectView::evaluateRequested, actions_, &JobActions::evaluate);
    connect(inspect_, &InspectView::blameRequested, actions_, &JobActions::blame);
    connect(runs_, &RunsView::openArtifactRequested, this, &MainWindow::openPath);
    connect(runs_, &RunsView::openReportRequested, this, &MainWindow::openReport);
    connect(runs_, &RunsView::compressRequested, this, [this] { setMode(Mode::Plan); });
    connect(runs_, &RunsView::chatRequested, this, [this](const QString& path) {
        modeAfterOpening_ = Mode::Chat;
        session_.open(path);
    });
    connect(chat_, &ChatView::openArtifactRequested, this, &MainWindow::chooseFolder);
    connect(chat_, &ChatView::planRequested, this, [this] { setMode(Mode::Plan); });
    connect(chat_, &ChatView::blameRequested, this, [this](const BlameQuestion& question) {
        setMode(Mode::Inspect);
        inspect_->expectBlame(question.word);
        actions_->blameAnswer(question);
    });
    connect(inspect_, &InspectView::putBackRequested, this, [this](const QStringList& cells) {
        setMode(Mode::Chat);
        chat_->putBack(cells);
    });
    connect(actions_, &JobActions::blameEnded, inspect_, &InspectView::endBlame);
    connect(chat_, &ChatView::activityChanged, line_, &JobLine::setActivity);
    connect(chat_, &ChatView::serverUsed, &podActions_->jobs(), &PodJobs::noteUse);
    connect(podActions_, &PodActions::trouble, this, [this](const QString& sentence) {
        shownBanner()->showFailure({sentence, {}});
    });
}

void MainWindow::connectCells() {
    for (HeatmapPanel* heatmap : {plan_->heatmap(), inspect_->heatmap()}) {
        connect(heatmap->view(), &HeatmapView::cellShown, this, &MainWindow::showCell);
        connect(heatmap->view(), &HeatmapView::cellPinned, this, &MainWindow::showCell);
        connect(heatmap, &HeatmapPanel::metricShown, this, &MainWindow::showCell);
    }
    connect(cell_, &CellPanel::unpinRequested, this, [this] {
        if (HeatmapPanel* heatmap = shownHeatmap()) {
            heatmap->view()->pin(std::nullopt);
        }
    });
    PlanDocument* plan = &session_.plan();
    connect(cell_, &CellPanel::rankEdited, plan, &PlanDocument::setCellRank);
    connect(cell_, &CellPanel::bitsEdited, plan, &PlanDocument::setCellBits);
    connect(cell_, &CellPanel::codecEdited, plan, &PlanDocument::setCellCodec);
    connect(cell_, &CellPanel::rankDragBegan, this,
            [this, plan] { dragStroke_ = plan->newStroke(); });
    connect(cell_, &CellPanel::rankDragged, this, [this, plan](const Cell& cell, int rank) {
        plan->dragCellRank(cell, rank, dragStroke_);
    });
    connect(cell_, &CellPanel::lockEdited, plan, &PlanDocument::setCellLocked);
    connect(cell_, &CellPanel::skipEdited, plan, &PlanDocument::setCellSkipped);
}

void MainWindow::connectSession() {
    connect(&session_, &Session::opened, this, &MainWindow::showOpened);
    connect(&session_, &Session::failed, this, &MainWindow::showFailure);
    connect(&session_, &Session::reportsUnread, this, [this](const std::vector<Failure>& failures) {
        shownBanner()->showFailure(together(failures));
    });
    connect(&session_, &Session::metricsChanged, this, &MainWindow::updateCellDock);
    connect(&session_, &Session::reportChanged, this, [this] {
        remember();
        showCell();
    });
    connect(plan_->notice(), &NoticeBar::dismissed, this,
            [] { QSettings().setValue(kHintKey, true); });
}

void MainWindow::connectJobs() {
    connect(line_, &JobLine::jobClicked, this, &MainWindow::showRun);
    connect(runs_, &RunsView::serveThereRequested, this, [this](const QString& id) {
        if (const auto target = targetOf(id)) {
            actions_->serveThere(id, *target);
        }
    });
    connect(runs_, &RunsView::evaluateThereRequested, this, &MainWindow::evaluateThere);
    connect(actions_, &JobActions::evaluationThereWanted, this, &MainWindow::evaluateThere);
    auto* served = new ServedChat(*jobs_, *chat_, {plan_->notice(), runs_->notice()}, chat_);
    connect(served, &ServedChat::chatRequested, this, [this] { setMode(Mode::Chat); });
    connect(served, &ServedChat::runRequested, this, &MainWindow::showRun);
    connect(&jobs_->logins(), &LoginPrompts::asked, this,
            [this](int number, const QString& id, const QString& question) {
                askForLogin(jobs_->logins(), number, jobs_->job(id).host, question, this);
            });
    connect(targets_, &TargetStore::changed, jobs_,
            [this] { jobs_->useTargets(targets_->targets()); });
    connect(targets_, &TargetStore::failed, this, [this](const QString& sentence) {
        showFailure({sentence, {}}, {});
    });
}

void MainWindow::connectActions() {
    actions_->setHubReader(
        [this](const std::function<void()>& then) { podActions_->readHubToken(then); });
    connect(jobs_, &JobService::resuming, podActions_, [this](const QString& id) {
        if (!hubModels(jobs_->job(id).arguments).isEmpty()) {
            podActions_->readHubToken([] {});
        }
    });
    connect(actions_, &JobActions::launchSuggested, this, &MainWindow::showLaunch);
    connect(actions_, &JobActions::beginSuggested, this, &MainWindow::showBegin);
    connect(actions_, &JobActions::failed, this,
            [this](const Failure& failure) { showFailure(failure, {}); });
    for (const auto signal : {&JobService::jobAdded, &JobService::jobChanged}) {
        connect(jobs_, signal, this, &MainWindow::updateRevise);
    }
    connect(&session_.plan(), &PlanDocument::changed, this, &MainWindow::updateRevise);
    connectNotices();
}

/// What came of an action is said above the plan.
void MainWindow::connectNotices() {
    connect(actions_, &JobActions::started, this, [this](const QString& id, const QString& title) {
        runs_->selectJob(id);
        plan_->banner()->clear();
        inspect_->banner()->clear();
        noticeWork(id, tr("“%1” is at work. Cells fill in as they finish.").arg(title));
    });
    connect(actions_, &JobActions::revised, this, [this](const QString& id, const QString& title) {
        noticeWork(id, tr("“%1” goes on with this plan. Finished cells that it leaves as they are "
                          "stay.")
                           .arg(title));
    });
    connect(actions_, &JobActions::ended, this, &MainWindow::showEnd);
    connect(actions_, &JobActions::measured, this, [this] {
        plan_->notice()->showNotice(
            u"check"_s, tr("Measured: the colours show which cells are fragile. Choose a budget "
                           "below and press Solve to spend it where it counts."));
    });
    connect(actions_, &JobActions::artifactReady, this,
            [this](const QString& title, const QString& folder) {
                plan_->notice()->showNotice(u"check"_s, tr("“%1” is ready.").arg(title),
                                            tr("Open it"), [this, folder] {
                                                plan_->notice()->clear();
                                                openPath(folder);
                                            });
            });
}

void MainWindow::noticeWork(const QString& id, const QString& sentence) {
    if (!jobs_->job(id).active()) {
        return; // over already
    }
    noticedRun_ = id;
    workNotice_ = sentence;
    plan_->notice()->showNotice(u"runs"_s, sentence, tr("Show the run"),
                                [this, id] { showRun(id); });
}

/// Takes back that it is at work, and tells a failure where the run was asked for.
void MainWindow::showEnd(const QString& id) {
    if (id == noticedRun_ && plan_->notice()->sentence() == workNotice_) {
        plan_->notice()->clear();
    }
    const JobSummary job = jobs_->job(id);
    if (job.phase != u"failed") {
        return;
    }
    const bool isOfInspect = job.kind == u"evaluate" || job.kind == u"blame";
    ErrorBanner* banner = isOfInspect ? inspect_->banner() : plan_->banner();
    banner->showFailure({tr("“%1” failed: %2").arg(job.title, job.message), job.code}, {},
                        {tr("Show the run"), [this, id] { showRun(id); }});
}

void MainWindow::evaluateThere(const QString& id) {
    if (const auto target = targetOf(id)) {
        actions_->evaluateThere(id, *target);
    }
}

void MainWindow::showRun(const QString& id) {
    runs_->selectJob(id);
    setMode(Mode::Runs);
}

/// Where a run was made; says so when that machine is not known any more. A pod is none that stays.
std::optional<Target> MainWindow::targetOf(const QString& job) {
    const JobSummary made = jobs_->job(job);
    std::optional<Target> target = made.isOnPod ? Target() : targets_->find(made.host);
    if (!target) {
        showFailure({tr("The machine %1 is not known any more. Add it again under Run, "
                        "Machines.")
                         .arg(made.host),
                     {}},
                    {});
    }
    return target;
}

void MainWindow::connectPlan() {
    connect(&plan_->comparison(), &PlanComparison::changed, this, &MainWindow::showCell);
    connect(plan_, &PlanView::compareRequested, planActions_, &PlanActions::chooseAndCompare);
    connect(planActions_, &PlanActions::failed, this,
            [this](const Failure& failure, const QString& path) {
                setMode(Mode::Plan);
                plan_->banner()->showFailure(failure, path);
            });
    connect(planActions_, &PlanActions::remarked, this,
            [this](const QString& sentence) { plan_->notice()->showNotice(u"info"_s, sentence); });
    connect(planActions_, &PlanActions::restored, this, [this] {
        const int before = session_.plan().undoStack().index() - 1;
        plan_->notice()->showNotice(u"undo"_s, tr("Your unsaved changes are here again."),
                                    tr("Drop them"), [this, before] {
                                        plan_->notice()->clear();
                                        session_.plan().undoStack().setIndex(before);
                                    });
    });
    connect(&session_.plan(), &PlanDocument::fileChanged, this, &MainWindow::showTitle);
}

} // namespace caldera::studio
