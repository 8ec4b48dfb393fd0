// The dialogs that begin runs and keep machines.
#include <QApplication>
#include <QPointer>
#include <QSettings>

#include "app/studio/job_actions.h"
#include "app/studio/live_job.h"
#include "app/studio/main_window.h"
#include "app/studio/pod_actions.h"
#include "widgets/jobs/job_check.h"
#include "widgets/plan_view/begin_dialog.h"
#include "widgets/plan_view/evaluate_form.h"
#include "widgets/plan_view/launch_dialog.h"
#include "widgets/plan_view/measure_dialog.h"
#include "widgets/plan_view/preflight_line.h"
#include "widgets/pods/pod_choice.h"
#include "widgets/remote/open_elsewhere_dialog.h"
#include "widgets/remote/remotes_dialog.h"
#include "widgets/remote/target_store.h"
#include "widgets/support/number_text.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

void MainWindow::showLaunch(const LaunchSettings& suggested) {
    const PlanSize& size = session_.plan().size();
    const QString summary =
        tr("%1 cells of %2 at %3 bits per weight; all weights together take %4.")
            .arg(countText(session_.plan().config().cellCount()), session_.facts()->name,
                 figureText(size.bitsPerWeight), sizeText(size.total()));
    const QString measuring = measuringText(session_.facts()->name, session_.plan().config());
    auto* dialog = new LaunchDialog(suggested, targets_->targets(),
                                    suggested.compresses ? summary : measuring, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(targets_, &TargetStore::changed, dialog,
            [this, dialog] { dialog->setTargets(targets_->targets()); });
    connect(dialog, &LaunchDialog::machinesRequested, this, &MainWindow::showMachines);
    PodWork work;
    work.fetchBytes = suggested.compresses ? static_cast<double>(size.total()) : 0;
    work.volumeBytes = static_cast<double>(session_.facts()->fileBytes) + 2 * work.fetchBytes;
    PodChoice* pod = podActions_->makeChoice(
        work, suggested.compresses ? u"compress"_s : u"fidelity"_s, suggested.gpuSeconds, dialog);
    dialog->offerPod(pod);
    if (!suggested.compresses) {
        auto* form = new MeasureForm(session_.plan().config(), suggested.measuring,
                                     measuredMetrics(), dialog);
        form->setSpeed(session_.speed());
        dialog->askMeasuring(form);
        connect(form, &MeasureForm::changed, pod, [this, form, pod] {
            pod->setDocumented(fidelitySecondsOnGpu(session_.plan().config(), form->work()));
        });
    }
    connect(dialog, &QDialog::accepted, this, [this, dialog] { keepLaunch(*dialog); });
    auto* check = checkFor(*dialog->preflight(), dialog);
    connect(dialog, &LaunchDialog::checkRequested, check,
            [this, check](const LaunchSettings& settings) {
                check->ask(actions_->checkRequest(settings));
            });
    dialog->open();
}

void MainWindow::showBegin(const BeginSuggestion& suggestion) {
    const bool isHere = suggestion.request.target.kind == TargetKind::Local;
    const auto way = !suggestion.podOf.isEmpty() ? BeginDialog::Check::Never
                     : isHere                    ? BeginDialog::Check::AtOnce
                                                 : BeginDialog::Check::OnAsking;
    auto* dialog = new BeginDialog(suggestion.request.title, suggestion.summary, way, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    if (suggestion.evaluating) {
        dialog->askEvaluation(*suggestion.evaluating);
    }
    const auto decided = [dialog, suggestion] {
        BeginSuggestion chosen = suggestion;
        if (const EvaluateForm* form = dialog->evaluation()) {
            chosen.evaluating = form->settings();
        }
        return chosen;
    };
    auto* check = checkFor(*dialog->preflight(), dialog);
    connect(dialog, &BeginDialog::checkRequested, check, [this, check, decided] {
        actions_->complete(decided(), [check = QPointer(check)](const JobRequest& request) {
            if (check) {
                check->ask(request);
            }
        });
    });
    connect(dialog, &QDialog::accepted, this,
            [this, dialog, decided] { actions_->begin(decided(), dialog->preflight()->forces()); });
    dialog->open();
}

/// Whose answers the line shows; lives as long as `owner`.
JobCheck* MainWindow::checkFor(PreflightLine& line, QObject* owner) {
    auto* check = new JobCheck(worker_, owner);
    connect(check, &JobCheck::answered, &line, &PreflightLine::showAnswer);
    connect(check, &JobCheck::failed, &line, &PreflightLine::showFailure);
    return check;
}

void MainWindow::keepLaunch(const LaunchDialog& dialog) {
    const LaunchSettings settings = dialog.settings();
    if (settings.pod) {
        QSettings kept;
        writePodSettings(kept, dialog.podChoice()->settings());
    }
    actions_->launch(settings);
}

QStringList MainWindow::measuredMetrics() const {
    QStringList measured;
    if (session_.fidelity()) {
        for (const FidelityMetric& metric : session_.fidelity()->fidelity) {
            measured.append(QString::fromStdString(metric.name));
        }
    }
    return measured;
}

void MainWindow::showOpenElsewhere() {
    auto* dialog = new OpenElsewhereDialog(targets_->targets(), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setHubReader([this](const std::function<void(const HubAccess&)>& then) {
        podActions_->readHubToken([this, then] { then(jobs_->pods().hub()); });
    });
    connect(dialog, &OpenElsewhereDialog::machinesRequested, this, [this, dialog] {
        dialog->reject();
        showMachines();
    });
    connect(dialog, &OpenElsewhereDialog::fetched, this,
            [this](const FetchedOutline& outline, const QString& target, const QString& place) {
                rememberModelThere(target, outline.fingerprint, place);
                openPath(outline.folder);
            });
    dialog->open();
}

void MainWindow::showMachines() {
    QWidget* above = QApplication::activeModalWidget();
    auto* dialog = new RemotesDialog(*targets_, above != nullptr ? above : this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->open();
}

void MainWindow::showMeasure() {
    if (!session_.facts()) {
        return;
    }
    MeasureSettings suggested;
    suggested.calibrationTokens = session_.plan().plan().calibration.tokens;
    const std::string& text = session_.plan().plan().calibration.text;
    suggested.calibrationText = text == "builtin" ? QString() : QString::fromStdString(text);
    const bool isOnlyHere = targets_->targets().isEmpty() && !podActions_->isSetUp();
    if (!isOnlyHere || isOutlineOpen(session_)) {
        actions_->suggestMeasuring(suggested);
        return;
    }
    auto* dialog = new MeasureDialog(session_.facts()->name, session_.plan().config(), suggested,
                                     measuredMetrics(), this);
    dialog->form()->setSpeed(session_.speed());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this,
            [this, dialog] { actions_->measure(dialog->settings()); });
    dialog->open();
}

} // namespace caldera::studio
