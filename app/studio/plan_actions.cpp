#include "app/studio/plan_actions.h"

#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QMessageBox>
#include <QPushButton>
#include <QStandardPaths>

#include <exception>
#include <optional>
#include <utility>

#include "core/plan/foreign_plan.h"
#include "widgets/models/foreign_remark.h"
#include "widgets/models/plan_comparison.h"
#include "widgets/models/session.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

struct ReadPlan {
    Plan plan;
    std::optional<Failure> failure;
};

} // namespace

PlanActions::PlanActions(Session& session, PlanComparison& comparison, const QString& unsaved,
                         QWidget& window)
    : QObject(&window), session_(session), comparison_(comparison), window_(window),
      autosave_(session, unsaved) {
    connect(&autosave_, &PlanAutosave::restored, this, &PlanActions::restored);
    connect(&autosave_, &PlanAutosave::failed, this,
            [this](const Failure& failure) { Q_EMIT failed(failure, {}); });
}

void PlanActions::read(const QString& path, std::function<void(const Plan&)> done) {
    session_.inBackground(
        [path] {
            ReadPlan read;
            try {
                read.plan = loadPlan(path.toStdString());
            } catch (const std::exception& error) {
                read.failure = describeFailure(error);
            }
            return read;
        },
        [this, path, done = std::move(done)](const ReadPlan& read) {
            if (read.failure) {
                Q_EMIT failed(*read.failure, path);
            } else if (!session_.plan().empty()) {
                done(fitForeignPlan(read.plan, session_.plan().config()));
            }
        });
}

void PlanActions::openFile(const QString& path) {
    read(path, [this, path](const Plan& plan) {
        session_.plan().open(plan, path);
        const QString remark = foreignRemark(plan, QFileInfo(path).fileName());
        if (!remark.isEmpty()) {
            Q_EMIT remarked(remark);
        }
    });
}

void PlanActions::compareWithFile(const QString& path) {
    read(path,
         [this, path](const Plan& plan) { comparison_.begin(QFileInfo(path).fileName(), plan); });
}

void PlanActions::compareWithSaved() {
    const PlanDocument& plan = session_.plan();
    comparison_.begin(plan.file().isEmpty() ? tr("the plan as opened")
                                            : QFileInfo(plan.file()).fileName(),
                      plan.saved());
}

void PlanActions::saveTo(const QString& path) {
    Plan plan = session_.plan().plan();
    plan.hasComments = false;
    plan.foreign = false;
    session_.inBackground(
        [path, plan] {
            std::optional<Failure> failure;
            try {
                savePlan(plan, path.toStdString());
            } catch (const std::exception& error) {
                failure = describeFailure(error);
            }
            return failure;
        },
        [this, path, plan](const std::optional<Failure>& failure) {
            if (failure) {
                Q_EMIT failed(*failure, path);
            } else {
                session_.plan().markSaved(path, plan);
            }
        });
}

void PlanActions::save() {
    const PlanDocument& plan = session_.plan();
    if (plan.file().isEmpty()) {
        chooseAndSave();
        return;
    }
    const QString file = plan.file();
    if (!plan.saved().hasComments && !plan.saved().foreign) {
        saveTo(file);
        return;
    }
    auto* question = new QMessageBox(
        QMessageBox::Warning, tr("Save the plan"),
        plan.saved().foreign
            ? tr("%1 is a file of another program. Saving replaces it by a plan of the studio.")
                  .arg(file)
            : tr("%1 has comments. Saving keeps every setting, but loses the comments.").arg(file),
        QMessageBox::Cancel, &window_);
    question->setObjectName(u"commentsQuestion"_s);
    question->setAttribute(Qt::WA_DeleteOnClose);
    auto* overwrite = question->addButton(tr("Save anyway"), QMessageBox::AcceptRole);
    auto* elsewhere = question->addButton(tr("Save as…"), QMessageBox::ActionRole);
    question->setDefaultButton(elsewhere);
    connect(overwrite, &QPushButton::clicked, this, [this, file] { saveTo(file); });
    connect(elsewhere, &QPushButton::clicked, this, &PlanActions::chooseAndSave);
    question->open();
}

QString PlanActions::suggestedFile() const {
    const QString& file = session_.plan().file();
    return file.isEmpty()
               ? QDir(QStandardPaths::writableLocation(QStandardPaths::DocumentsLocation))
                     .filePath(session_.facts()->name + u".yaml"_s)
               : file;
}

void PlanActions::chooseAndSave() {
    auto* dialog = new QFileDialog(&window_, tr("Save the plan"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setNameFilters({tr("Plans (*.yaml *.yml)")});
    dialog->setDefaultSuffix(u"yaml"_s);
    dialog->setDirectory(QFileInfo(suggestedFile()).path());
    dialog->selectFile(QFileInfo(suggestedFile()).fileName());
    connect(dialog, &QFileDialog::fileSelected, this, &PlanActions::saveTo);
    dialog->open();
}

void PlanActions::choose(const QString& title, std::function<void(const QString&)> done) {
    auto* dialog = new QFileDialog(&window_, title);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    dialog->setNameFilters({tr("Plans (*.yaml *.yml)"), tr("All files (*)")});
    connect(dialog, &QFileDialog::fileSelected, this, std::move(done));
    dialog->open();
}

void PlanActions::chooseAndOpen() {
    choose(tr("Open a plan"), [this](const QString& path) { openFile(path); });
}

void PlanActions::chooseAndCompare() {
    choose(tr("Compare with a plan"), [this](const QString& path) { compareWithFile(path); });
}

} // namespace caldera::studio
