// The menus of the window and what their items do.
#include <QActionGroup>
#include <QClipboard>
#include <QDockWidget>
#include <QFileDialog>
#include <QGuiApplication>
#include <QMenuBar>

#include <utility>

#include "app/studio/about_dialog.h"
#include "app/studio/job_actions.h"
#include "app/studio/main_window.h"
#include "app/studio/plan_actions.h"
#include "app/studio/pod_actions.h"
#include "widgets/heatmap/heatmap_editor.h"
#include "widgets/heatmap/heatmap_panel.h"
#include "widgets/heatmap/heatmap_view.h"
#include "widgets/inspect_view/inspect_view.h"
#include "widgets/plan_view/plan_view.h"
#include "widgets/support/command_palette.h"
#include "widgets/support/error_banner.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

QAction* MainWindow::addCommand(QMenu* menu, const QString& iconName, const QString& text,
                                const QKeySequence& shortcut, std::function<void()> run) {
    auto* action = new QAction(text, this);
    if (!iconName.isEmpty()) {
        action->setIcon(icon(iconName));
    }
    action->setShortcut(shortcut);
    connect(action, &QAction::triggered, this, [run = std::move(run)] { run(); });
    menu->addAction(action);
    commands_.append(action);
    return action;
}

void MainWindow::makeMenus() {
    makeFileMenu();
    makeEditMenu();
    makeViewMenu();
    makeRunMenu();
    makeHelpMenu();
}

void MainWindow::makeFileMenu() {
    QMenu* file = menuBar()->addMenu(tr("&File"));
    addCommand(file, u"folder"_s, tr("Open folder…"), QKeySequence::Open,
               [this] { chooseFolder(); });
    addCommand(file, u"file"_s, tr("Open file…"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_O),
               [this] { chooseFile(); });
    addCommand(file, u"server"_s, tr("Open on another machine…"), {}, [this] {
        showOpenElsewhere();
    })->setObjectName(u"openElsewhere"_s);
    addCommand(file, u"chart"_s, tr("Open report…"), {}, [this] { chooseReport(); });
    addCommand(file, u"artifact"_s, tr("Open the demo model"), {}, [this] { openDemo(); });
    addCommand(file, u"export"_s, tr("Export a one-page report…"), {}, [this] {
        setMode(Mode::Inspect);
        inspect_->exportSummary();
    });
    recentMenu_ = file->addMenu(tr("Open recent"));
    connect(recentMenu_, &QMenu::aboutToShow, this, &MainWindow::fillRecentMenu);
    file->addSeparator();
    const auto add = [&](const QString& iconName, const QString& text, const QKeySequence& keys,
                         void (PlanActions::*run)()) {
        needModel_.append(
            addCommand(file, iconName, text, keys, [this, run] { (planActions_->*run)(); }));
    };
    add(u"plan"_s, tr("Open plan…"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_P),
        &PlanActions::chooseAndOpen);
    add(u"save"_s, tr("Save plan"), QKeySequence::Save, &PlanActions::save);
    add({}, tr("Save plan as…"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_S),
        &PlanActions::chooseAndSave);
    add(u"compare"_s, tr("Compare with a plan…"), QKeySequence(Qt::CTRL | Qt::Key_D),
        &PlanActions::chooseAndCompare);
    add({}, tr("Compare with the saved plan"), QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_D),
        &PlanActions::compareWithSaved);
    file->addSeparator();
    addCommand(file, {}, tr("Quit"), QKeySequence(Qt::CTRL | Qt::Key_Q), [this] { close(); });
}

void MainWindow::makeEditMenu() {
    QMenu* edit = menuBar()->addMenu(tr("&Edit"));
    QAction* undo = session_.plan().undoStack().createUndoAction(this, tr("Undo"));
    undo->setIcon(icon(u"undo"_s));
    undo->setShortcut(QKeySequence::Undo);
    QAction* redo = session_.plan().undoStack().createRedoAction(this, tr("Redo"));
    redo->setIcon(icon(u"redo"_s));
    redo->setShortcut(QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_Z));
    edit->addActions({undo, redo});
    commands_.append({undo, redo});
    edit->addSeparator();
    needModel_.append(addCommand(edit, u"copy"_s, tr("Copy the plan"),
                                 QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_C), [this] {
                                     QGuiApplication::clipboard()->setText(
                                         QString::fromStdString(printPlan(session_.plan().plan())));
                                 }));
    for (const CommandGroup& group : plan_->editor()->commands()) {
        QMenu* menu = edit->addMenu(group.title);
        menu->addActions(group.actions);
        commands_.append(group.actions);
    }
}

void MainWindow::makeViewMenu() {
    QMenu* view = menuBar()->addMenu(tr("&View"));
    view->addActions(QList<QAction*>(modes_.begin(), modes_.end()));
    view->addSeparator();
    cellToggle_ = addCommand(view, {}, tr("Cell panel"), QKeySequence(Qt::CTRL | Qt::Key_I), [] {});
    cellToggle_->setCheckable(true);
    connect(cellToggle_, &QAction::toggled, this, [this](bool on) {
        wantsCellDock_ = on;
        updateCellDock();
    });
    addCommand(view, {}, tr("Reset zoom"), QKeySequence(Qt::CTRL | Qt::Key_0), [this] {
        plan_->heatmap()->view()->resetZoom();
        inspect_->heatmap()->view()->resetZoom();
    });
    addCommand(view, {}, tr("Reset layout"), {}, [this] {
        restoreState(firstLayout_, kWindowLayoutVersion);
        resizeDocks({cellDock_}, {kCellDockWidth}, Qt::Horizontal);
        cellToggle_->setChecked(true);
        updateCellDock();
    });
    view->addSeparator();
    QMenu* themes = view->addMenu(tr("Theme"));
    auto* group = new QActionGroup(this);
    const std::array<std::pair<SchemeChoice, QString>, 3> choices = {
        {{SchemeChoice::System, tr("As the desktop")},
         {SchemeChoice::Dark, tr("Dark")},
         {SchemeChoice::Light, tr("Light")}}};
    for (const auto& [choice, name] : choices) {
        QAction* action = addCommand(themes, {}, name, {},
                                     [choice = choice] { Theme::current().setChoice(choice); });
        action->setProperty("commandName", tr("Theme: %1").arg(name));
        action->setCheckable(true);
        action->setActionGroup(group);
        action->setChecked(Theme::current().choice() == choice);
    }
}

void MainWindow::makeRunMenu() {
    QMenu* run = menuBar()->addMenu(tr("&Run"));
    needModel_.append(addCommand(run, u"measure"_s, tr("Measure fragility…"),
                                 QKeySequence(Qt::CTRL | Qt::Key_M), [this] { showMeasure(); }));
    needModel_.append(addCommand(run, u"compress"_s, tr("Compress…"),
                                 QKeySequence(Qt::CTRL | Qt::Key_Return),
                                 [this] { actions_->suggestLaunch(); }));
    revise_ = addCommand(run, {}, tr("Apply the plan to the running compression"),
                         QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_Return),
                         [this] { actions_->revise(); });
    revise_->setToolTip(tr("Cells whose settings changed are made again; all others stay"));
    revise_->setEnabled(false);
    run->addSeparator();
    needModel_.append(addCommand(run, u"plan"_s, tr("Solve for the budget"),
                                 QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_Return),
                                 [this] { plan_->solver().solve(); }));
    needModel_.append(addCommand(run, {}, tr("Heal: let untouched cells pay"),
                                 QKeySequence(Qt::CTRL | Qt::Key_H),
                                 [this] { plan_->solver().heal(); }));
    run->addSeparator();
    evaluate_ = addCommand(run, u"chart"_s, tr("Evaluate"), QKeySequence(Qt::CTRL | Qt::Key_E),
                           [this] { actions_->evaluate(); });
    run->addSeparator();
    addCommand(run, u"server"_s, tr("Machines…"), {}, [this] { showMachines(); });
    addCommand(run, u"settings"_s, tr("Rented pods…"), {}, [this] { podActions_->showDialog(); });
}

void MainWindow::makeHelpMenu() {
    QMenu* help = menuBar()->addMenu(tr("&Help"));
    QAction* commands =
        addCommand(help, u"search"_s, tr("Commands…"), QKeySequence(Qt::CTRL | Qt::Key_K),
                   [this] { palette_->open(commands_); });
    commands->setToolTip(tr("Every command, by typing a few of its letters"));
    addCommand(help, u"keyboard"_s, tr("Keys of the heatmap"), QKeySequence(Qt::Key_F1), [this] {
        setMode(Mode::Plan);
        plan_->showKeys();
    });
    addCommand(help, u"info"_s, tr("About and licences"), {}, [this] {
        auto* about = new AboutDialog(this);
        about->setAttribute(Qt::WA_DeleteOnClose);
        about->open();
    });
}

void MainWindow::openPath(const QString& path) {
    modeAfterOpening_.reset();
    if (path.endsWith(u".h5")) {
        openReport(path);
        return;
    }
    fitMode_ = true;
    session_.open(path);
}

void MainWindow::openReport(const QString& path) {
    setMode(Mode::Inspect);
    inspect_->banner()->clear(); // of what was opened before
    session_.openReport(path);
}

void MainWindow::openAtStart() {
    if (recent_.items().isEmpty()) {
        modeAfterOpening_ = Mode::Plan;
        openDemo();
    } else {
        const int mode = QSettings().value(kModeKey, static_cast<int>(Mode::Model)).toInt();
        if (mode >= 0 && mode < kModeCount) {
            modeAfterOpening_ = static_cast<Mode>(mode);
        }
        session_.open(recent_.items().first().path);
    }
}

void MainWindow::openDemo() {
    session_.openDemoModel();
}

void MainWindow::chooseFolder() {
    auto* dialog = new QFileDialog(this, tr("Open a model or a compressed model"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::Directory);
    dialog->setOption(QFileDialog::ShowDirsOnly);
    connect(dialog, &QFileDialog::fileSelected, this,
            [this](const QString& path) { session_.open(path); });
    dialog->open();
}

void MainWindow::chooseFile() {
    auto* dialog = new QFileDialog(this, tr("Open a file"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    dialog->setNameFilters({tr("GGUF models and reports (*.gguf *.h5)"), tr("All files (*)")});
    connect(dialog, &QFileDialog::fileSelected, this,
            [this](const QString& path) { session_.open(path); });
    dialog->open();
}

void MainWindow::chooseReport() {
    auto* dialog = new QFileDialog(this, tr("Open a report"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    dialog->setNameFilters({tr("Reports (*.h5)"), tr("All files (*)")});
    connect(dialog, &QFileDialog::fileSelected, this, &MainWindow::openReport);
    dialog->open();
}

void MainWindow::fillRecentMenu() {
    recentMenu_->clear();
    for (const RecentItem& item : recent_.items()) {
        QAction* action = recentMenu_->addAction(item.name, this,
                                                 [this, path = item.path] { session_.open(path); });
        action->setToolTip(item.path);
    }
    recentMenu_->addSeparator();
    recentMenu_->addAction(tr("Forget these"), &recent_, &RecentItems::clear);
}

void MainWindow::updateRevise() {
    const bool possible = !actions_->revisableJob().isEmpty();
    revise_->setEnabled(possible);
    plan_->setRevisable(possible);
}

void MainWindow::updateActions() {
    const bool open = session_.facts() != nullptr;
    for (QAction* action : std::as_const(needModel_)) {
        action->setEnabled(open);
    }
    plan_->editor()->setEnabled(open && mode() == Mode::Plan);
    updateRevise();
    evaluate_->setEnabled(open && session_.facts()->kind == OpenKind::Artifact);
}

} // namespace caldera::studio
