#include "app/studio/main_window.h"

#include <QActionGroup>
#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QFileDialog>
#include <QMenuBar>
#include <QPushButton>
#include <QSettings>
#include <QStackedWidget>
#include <QStatusBar>
#include <QVBoxLayout>

#include <utility>

#include "app/studio/about_dialog.h"
#include "app/studio/job_actions.h"
#include "app/studio/job_line.h"
#include "app/studio/mode_bar.h"
#include "widgets/cell_panel/cell_panel.h"
#include "widgets/chat/chat_view.h"
#include "widgets/heatmap/heatmap_panel.h"
#include "widgets/heatmap/heatmap_view.h"
#include "widgets/inspect_view/inspect_view.h"
#include "widgets/jobs/job_service.h"
#include "widgets/model_view/model_view.h"
#include "widgets/plan_view/launch_dialog.h"
#include "widgets/plan_view/plan_view.h"
#include "widgets/runs/runs_view.h"
#include "widgets/support/command_palette.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/notice_bar.h"
#include "widgets/support/number_text.h"
#include "widgets/support/save_file.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kLayoutVersion = 1;
constexpr int kDockWidth = 344;

const QString& geometryKey() {
    static const QString key = u"window/geometry"_s;
    return key;
}
const QString& layoutKey() {
    static const QString key = u"window/layout"_s;
    return key;
}
const QString& dockKey() {
    static const QString key = u"window/cellPanel"_s;
    return key;
}
const QString& hintKey() {
    static const QString key = u"hints/firstSteps"_s;
    return key;
}

} // namespace

MainWindow::MainWindow(const WindowPlaces& places, QWidget* parent)
    : QMainWindow(parent), jobs_(new JobService(places.jobs, places.worker, this)),
      actions_(new JobActions(session_, *jobs_, this)) {
    setWindowTitle(tr("Caldera Studio"));
    setMinimumSize(960, 600);
    makeViews(places);
    makeCellDock();
    makeModes();
    makeMenus();
    palette_ = new CommandPalette(this);
    connectViews();
    connectSession();
    connectJobs();
    restoreLayout();
    setMode(Mode::Model);
    updateActions();
}

MainWindow::~MainWindow() {
    // Views and actions read from the session, which as a member would go before them.
    disconnect(cellDock_, nullptr, this, nullptr);
    delete takeCentralWidget();
    delete cellDock_;
    delete line_;
    delete actions_;
    delete jobs_;
}

void MainWindow::makeViews(const WindowPlaces& places) {
    model_ = new ModelView(session_, recent_, this);
    plan_ = new PlanView(session_, this);
    runs_ = new RunsView(*jobs_, this);
    inspect_ = new InspectView(session_, this);
    chat_ = new ChatView(places.chats, places.worker, this);
    pages_ = new QStackedWidget(this);
    for (QWidget* page :
         {static_cast<QWidget*>(model_), static_cast<QWidget*>(plan_), static_cast<QWidget*>(runs_),
          static_cast<QWidget*>(inspect_), static_cast<QWidget*>(chat_)}) {
        pages_->addWidget(page);
    }
    line_ = new JobLine(*jobs_, this);
    statusBar()->setSizeGripEnabled(false);
    statusBar()->setContentsMargins(0, 0, 0, 0);
    statusBar()->addWidget(line_, 1);
}

void MainWindow::makeCellDock() {
    cell_ = new CellPanel(this);
    cellDock_ = new QDockWidget(tr("Cell"), this);
    cellDock_->setObjectName(u"cellDock"_s);
    cellDock_->setAllowedAreas(Qt::LeftDockWidgetArea | Qt::RightDockWidgetArea);
    cellDock_->setWidget(cell_);
    addDockWidget(Qt::RightDockWidgetArea, cellDock_);
    resizeDocks({cellDock_}, {kDockWidth}, Qt::Horizontal);
}

void MainWindow::makeModes() {
    struct ModeText {
        QString name;
        QString icon;
        QString hint;
    };
    const std::array<ModeText, kModeCount> texts = {{
        {tr("Model"), u"model"_s, tr("Open models and see what they are")},
        {tr("Plan"), u"plan"_s, tr("Choose bits and ranks, cell by cell")},
        {tr("Runs"), u"runs"_s, tr("Follow what is being computed")},
        {tr("Inspect"), u"inspect"_s, tr("See what was measured")},
        {tr("Chat"), u"chat"_s, tr("Talk to a compressed model")},
    }};
    auto* group = new QActionGroup(this);
    for (int at = 0; at < kModeCount; ++at) {
        const ModeText& text = texts[static_cast<size_t>(at)];
        auto* action = new QAction(icon(text.icon), text.name, this);
        action->setCheckable(true);
        action->setActionGroup(group);
        action->setShortcut(QKeySequence(Qt::CTRL | static_cast<Qt::Key>(Qt::Key_1 + at)));
        action->setToolTip(
            tr("%1 (%2)").arg(text.hint, action->shortcut().toString(QKeySequence::NativeText)));
        action->setProperty("commandName", tr("Go to %1").arg(text.name));
        connect(action, &QAction::triggered, this, [this, at] { setMode(static_cast<Mode>(at)); });
        modes_[static_cast<size_t>(at)] = action;
        commands_.append(action);
    }
    auto* central = new QWidget(this);
    auto* layout = new QHBoxLayout(central);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(new ModeBar(QList<QAction*>(modes_.begin(), modes_.end()), central));
    layout->addWidget(pages_, 1);
    setCentralWidget(central);
}

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
    addCommand(file, u"chart"_s, tr("Open report…"), {}, [this] { chooseReport(); });
    addCommand(file, u"artifact"_s, tr("Open the demo model"), {}, [this] { openDemo(); });
    recentMenu_ = file->addMenu(tr("Open recent"));
    connect(recentMenu_, &QMenu::aboutToShow, this, &MainWindow::fillRecentMenu);
    file->addSeparator();
    needModel_.append(addCommand(file, u"save"_s, tr("Save plan as…"), QKeySequence::Save,
                                 [this] { savePlanAs(); }));
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
        restoreState(firstLayout_, kLayoutVersion);
        resizeDocks({cellDock_}, {kDockWidth}, Qt::Horizontal);
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
    needModel_.append(addCommand(run, u"measure"_s, tr("Measure fragility"),
                                 QKeySequence(Qt::CTRL | Qt::Key_M),
                                 [this] { actions_->measure(); }));
    needModel_.append(addCommand(run, u"compress"_s, tr("Compress…"),
                                 QKeySequence(Qt::CTRL | Qt::Key_Return),
                                 [this] { actions_->suggestLaunch(); }));
    evaluate_ = addCommand(run, u"chart"_s, tr("Evaluate"), QKeySequence(Qt::CTRL | Qt::Key_E),
                           [this] { actions_->evaluate(); });
}

void MainWindow::makeHelpMenu() {
    QMenu* help = menuBar()->addMenu(tr("&Help"));
    QAction* commands =
        addCommand(help, u"search"_s, tr("Commands…"), QKeySequence(Qt::CTRL | Qt::Key_K),
                   [this] { palette_->open(commands_); });
    commands->setToolTip(tr("Every command, by typing a few of its letters"));
    addCommand(help, u"info"_s, tr("About and licences"), {}, [this] {
        auto* about = new AboutDialog(this);
        about->setAttribute(Qt::WA_DeleteOnClose);
        about->open();
    });
}

void MainWindow::connectViews() {
    connect(model_, &ModelView::openFolderRequested, this, &MainWindow::chooseFolder);
    connect(model_, &ModelView::openFileRequested, this, &MainWindow::chooseFile);
    connect(model_, &ModelView::openDemoRequested, this, &MainWindow::openDemo);
    connect(model_, &ModelView::openRequested, this,
            [this](const QString& path) { session_.open(path); });
    connect(plan_, &PlanView::openRequested, this, &MainWindow::chooseFolder);
    connect(plan_, &PlanView::measureRequested, actions_, &JobActions::measure);
    connect(plan_, &PlanView::compressRequested, actions_, &JobActions::suggestLaunch);
    connect(inspect_, &InspectView::openReportRequested, this, &MainWindow::chooseReport);
    connect(inspect_, &InspectView::evaluateRequested, actions_, &JobActions::evaluate);
    connect(runs_, &RunsView::openArtifactRequested, this, &MainWindow::openPath);
    connect(runs_, &RunsView::openReportRequested, this, &MainWindow::openReport);
    connect(runs_, &RunsView::compressRequested, this, [this] { setMode(Mode::Plan); });
    connect(runs_, &RunsView::chatRequested, this, [this](const QString& path) {
        modeAfterOpening_ = Mode::Chat;
        session_.open(path);
    });
    connect(chat_, &ChatView::openArtifactRequested, this, &MainWindow::chooseFolder);
    connect(chat_, &ChatView::activityChanged, line_, &JobLine::setActivity);
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
    connect(cell_, &CellPanel::lockEdited, plan, &PlanDocument::setCellLocked);
    connect(cell_, &CellPanel::skipEdited, plan, &PlanDocument::setCellSkipped);
}

void MainWindow::connectSession() {
    connect(&session_, &Session::opened, this, &MainWindow::showOpened);
    connect(&session_, &Session::failed, this, &MainWindow::showFailure);
    connect(&session_, &Session::metricsChanged, this, &MainWindow::updateCellDock);
    connect(&session_, &Session::reportChanged, this, [this] {
        remember();
        showCell();
    });
    connect(plan_->notice(), &NoticeBar::dismissed, this,
            [] { QSettings().setValue(hintKey(), true); });
}

void MainWindow::connectJobs() {
    connect(line_, &JobLine::jobClicked, this, [this](const QString& id) {
        runs_->selectJob(id);
        setMode(Mode::Runs);
    });
    connect(actions_, &JobActions::launchSuggested, this, &MainWindow::showLaunch);
    connect(actions_, &JobActions::failed, this,
            [this](const Failure& failure) { showFailure(failure, {}); });
    connect(actions_, &JobActions::started, this, [this](const QString& id, const QString& title) {
        runs_->selectJob(id);
        plan_->notice()->showNotice(u"runs"_s,
                                    tr("“%1” is at work. Cells fill in as they finish.").arg(title),
                                    tr("Show the run"), [this, id] {
                                        runs_->selectJob(id);
                                        setMode(Mode::Runs);
                                    });
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
    session_.openReport(path);
}

void MainWindow::openAtStart() {
    if (recent_.items().isEmpty()) {
        modeAfterOpening_ = Mode::Plan;
        openDemo();
    } else {
        session_.open(recent_.items().first().path);
    }
}

void MainWindow::openDemo() {
    session_.openDemoModel();
}

void MainWindow::setMode(Mode mode) {
    const auto at = static_cast<size_t>(mode);
    modes_[at]->setChecked(true);
    pages_->setCurrentIndex(static_cast<int>(mode));
    updateCellDock();
    cell_->setEditable(mode == Mode::Plan);
    showCell();
}

bool MainWindow::hasCells() const {
    switch (mode()) {
    case Mode::Plan:
        return session_.facts() != nullptr;
    case Mode::Inspect:
        return inspect_->hasHeatmap();
    default:
        return false;
    }
}

void MainWindow::updateCellDock() {
    cellDock_->setVisible(wantsCellDock_ && hasCells());
}

Mode MainWindow::mode() const {
    return static_cast<Mode>(pages_->currentIndex());
}

HeatmapPanel* MainWindow::shownHeatmap() const {
    switch (mode()) {
    case Mode::Plan:
        return plan_->heatmap();
    case Mode::Inspect:
        return inspect_->heatmap();
    default:
        return nullptr;
    }
}

ErrorBanner* MainWindow::shownBanner() {
    switch (mode()) {
    case Mode::Plan:
        return plan_->banner();
    case Mode::Inspect:
        return inspect_->banner();
    case Mode::Model:
        break;
    default:
        setMode(Mode::Model);
    }
    return model_->banner();
}

void MainWindow::pinMostFragile() {
    HeatmapPanel* heatmap = shownHeatmap();
    if (heatmap != nullptr && !heatmap->view()->pinnedCell()) {
        const auto fragile = heatmap->mostFragile();
        const bool anything = heatmap->grid().layerCount() > 0;
        heatmap->view()->pin(fragile    ? fragile
                             : anything ? std::optional(Cell{0, Module::DownProj})
                                        : std::nullopt);
    }
}

void MainWindow::showCell() {
    HeatmapPanel* heatmap = shownHeatmap();
    if (heatmap == nullptr) {
        return;
    }
    const std::optional<Cell> cell = heatmap->view()->shownCell();
    cell_->setPinned(heatmap->view()->pinnedCell().has_value());
    cell_->showCell(cell ? detailsOf(session_, *cell, heatmap->metricId(), mode() == Mode::Plan)
                         : std::nullopt);
}

void MainWindow::showOpened() {
    const OpenFacts& facts = *session_.facts();
    setWindowTitle(tr("%1 · Caldera Studio").arg(facts.name));
    line_->setContext(facts.kind == OpenKind::Artifact
                          ? tr("%1 · %2 bpw").arg(facts.name, figureText(facts.bitsPerWeight))
                          : facts.name);
    if (facts.kind == OpenKind::Artifact) {
        chat_->openArtifact(facts.path, facts.name);
    } else {
        chat_->closeArtifact();
    }
    remember();
    updateActions();
    if (fitMode_) {
        modeAfterOpening_ = facts.kind == OpenKind::Artifact ? Mode::Inspect : Mode::Plan;
    }
    fitMode_ = false;
    if (modeAfterOpening_) {
        setMode(*std::exchange(modeAfterOpening_, std::nullopt));
    }
    const bool demo = facts.path.endsWith(u"demo-model");
    if (demo && !QSettings().value(hintKey()).toBool()) {
        plan_->notice()->showNotice(u"info"_s,
                                    tr("This is the demo model. Choose a rank, press Compress, "
                                       "then open the result and chat with it."));
    }
}

void MainWindow::remember() {
    if (!session_.facts()) {
        return;
    }
    const OpenFacts& facts = *session_.facts();
    RecentItem item;
    item.path = facts.path;
    item.name = facts.name;
    item.artifact = facts.kind == OpenKind::Artifact;
    item.bytes = facts.fileBytes;
    item.bitsPerWeight = facts.bitsPerWeight;
    item.layers = facts.config.layerCount;
    item.opened = QDateTime::currentDateTime();
    item.picture = (item.artifact ? inspect_->heatmap() : plan_->heatmap())->grid().picture();
    recent_.add(item);
}

void MainWindow::showFailure(const Failure& failure, const QString& path) {
    modeAfterOpening_.reset();
    fitMode_ = false;
    shownBanner()->showFailure(failure, path, {tr("Open another…"), [this] { chooseFolder(); }});
}

void MainWindow::showLaunch(const LaunchSettings& suggested) {
    const PlanSize& size = session_.plan().size();
    const QString summary =
        tr("%1 cells of %2 at %3 bits per weight; the result takes %4 on disk.")
            .arg(countText(session_.plan().config().cellCount()), session_.facts()->name,
                 figureText(size.bitsPerWeight), sizeText(size.total()));
    auto* dialog = new LaunchDialog(suggested, summary, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this,
            [this, dialog] { actions_->compress(dialog->settings()); });
    dialog->open();
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

void MainWindow::savePlanAs() {
    saveFile(this, {tr("Save the plan"),
                    session_.facts()->name + u".yaml"_s,
                    {tr("Caldera plan (*.yaml)")},
                    [this](const QString&) {
                        return QByteArray::fromStdString(printPlan(session_.plan().plan()));
                    }});
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

void MainWindow::updateActions() {
    const bool open = session_.facts() != nullptr;
    for (QAction* action : std::as_const(needModel_)) {
        action->setEnabled(open);
    }
    evaluate_->setEnabled(open && session_.facts()->kind == OpenKind::Artifact);
}

void MainWindow::restoreLayout() {
    resize(1440, 900);
    firstLayout_ = saveState(kLayoutVersion);
    QSettings settings;
    restoreGeometry(settings.value(geometryKey()).toByteArray());
    restoreState(settings.value(layoutKey()).toByteArray(), kLayoutVersion);
    wantsCellDock_ = settings.value(dockKey(), true).toBool();
    cellToggle_->setChecked(wantsCellDock_);
    // Closing the panel by its own button counts as well.
    connect(cellDock_, &QDockWidget::visibilityChanged, this, [this](bool visible) {
        if (!visible && cellDock_->isHidden() && hasCells() && isVisible() && wantsCellDock_) {
            cellToggle_->setChecked(false);
        }
    });
}

void MainWindow::closeEvent(QCloseEvent* event) {
    QSettings settings;
    settings.setValue(geometryKey(), saveGeometry());
    settings.setValue(layoutKey(), saveState(kLayoutVersion));
    settings.setValue(dockKey(), wantsCellDock_);
    QMainWindow::closeEvent(event);
}

} // namespace caldera::studio
