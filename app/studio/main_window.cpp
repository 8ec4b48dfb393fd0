#include "app/studio/main_window.h"

#include <QActionGroup>
#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QFileInfo>
#include <QPushButton>
#include <QScreen>
#include <QSettings>
#include <QStatusBar>
#include <QVBoxLayout>

#include <utility>

#include "app/studio/job_actions.h"
#include "app/studio/job_line.h"
#include "app/studio/live_job.h"
#include "app/studio/mode_bar.h"
#include "app/studio/plan_actions.h"
#include "app/studio/pod_actions.h"
#include "widgets/cell_panel/cell_panel.h"
#include "widgets/chat/chat_view.h"
#include "widgets/chat/compare_view.h"
#include "widgets/heatmap/heatmap_panel.h"
#include "widgets/heatmap/heatmap_view.h"
#include "widgets/inspect_view/inspect_view.h"
#include "widgets/jobs/job_service.h"
#include "widgets/model_view/model_view.h"
#include "widgets/plan_view/plan_view.h"
#include "widgets/pods/pod_strip.h"
#include "widgets/remote/target_store.h"
#include "widgets/runs/runs_view.h"
#include "widgets/support/command_palette.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/notice_bar.h"
#include "widgets/support/number_text.h"
#include "widgets/support/page_stack.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr QLatin1StringView kGeometryKey("window/geometry");
constexpr QLatin1StringView kLayoutKey("window/layout");
constexpr QLatin1StringView kDockKey("window/cellPanel");

} // namespace

MainWindow::MainWindow(const WindowPlaces& places, QWidget* parent)
    : QMainWindow(parent), worker_(places.worker),
      jobs_(new JobService(places.jobs, places.worker, this)),
      targets_(new TargetStore(places.targets, this)),
      podActions_(new PodActions(places.pods, places.market, *jobs_, *this)),
      actions_(new JobActions(session_, *jobs_, podActions_->jobs(), this)) {
    setWindowTitle(tr("Caldera Studio"));
    setMinimumSize(960, 600);
    makeViews(places);
    makeCellDock();
    makeModes();
    makeMenus();
    planActions_ = new PlanActions(session_, plan_->comparison(), places.unsaved, *this);
    palette_ = new CommandPalette(this);
    connectViews();
    connectCells();
    connectSession();
    connectJobs();
    connectActions();
    connectPlan();
    restoreLayout();
    setMode(Mode::Model);
    podActions_->findRented();
    session_.readSpeed();
}

MainWindow::~MainWindow() {
    // Views and actions read from the session, which as a member would go before them.
    disconnect(cellDock_, nullptr, this, nullptr);
    disconnect(&session_.plan(), nullptr, this, nullptr);
    delete planActions_;
    delete takeCentralWidget();
    delete cellDock_;
    delete line_;
    delete actions_;
    delete podActions_;
    delete jobs_;
}

void MainWindow::makeViews(const WindowPlaces& places) {
    model_ = new ModelView(session_, recent_, this);
    plan_ = new PlanView(session_, this);
    runs_ = new RunsView(*jobs_, this);
    runs_->showCosts(podActions_->jobs());
    inspect_ = new InspectView(session_, this);
    chat_ = new ChatView(places.chats, places.worker, this);
    pages_ = new PageStack(this);
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
    resizeDocks({cellDock_}, {kCellDockWidth}, Qt::Horizontal);
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
    auto* column = new QVBoxLayout;
    column->setSpacing(0);
    column->addWidget(new PodStrip(podActions_->service(), central));
    column->addWidget(pages_, 1);
    layout->addLayout(column, 1);
    setCentralWidget(central);
}

void MainWindow::setMode(Mode mode) {
    const auto at = static_cast<size_t>(mode);
    modes_[at]->setChecked(true);
    pages_->setCurrentIndex(static_cast<int>(mode));
    updateCellDock();
    cell_->setEditable(mode == Mode::Plan);
    updateActions();
    showCell();
    if (isVisible()) {
        QSettings().setValue(kModeKey, static_cast<int>(mode));
    }
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
    const bool planned = mode() == Mode::Plan;
    std::optional<CellDetails> details;
    if (cell) {
        details = detailsOf(session_, *cell, heatmap->metricId(), planned);
    }
    if (details && planned) {
        details->reason = plan_->comparison().reasonOf(*cell);
    }
    cell_->showCell(details);
}

void MainWindow::showTitle() {
    if (!session_.facts()) {
        return;
    }
    const PlanDocument& plan = session_.plan();
    const QString name = session_.facts()->name;
    setWindowTitle(
        (plan.file().isEmpty()
             ? tr("%1[*] · Caldera Studio").arg(name)
             : tr("%1 · %2[*] · Caldera Studio").arg(name, QFileInfo(plan.file()).fileName())));
    setWindowModified(plan.modified());
}

void MainWindow::showOpened() {
    const OpenFacts& facts = *session_.facts();
    showTitle();
    line_->setContext(facts.kind == OpenKind::Artifact
                          ? tr("%1 · %2 bpw").arg(facts.name, figureText(facts.bitsPerWeight))
                          : facts.name);
    if (facts.kind == OpenKind::Artifact) {
        chat_->openArtifact(facts.path, facts.name);
        chat_->compare()->setOriginal(modelPath(session_));
    } else {
        chat_->closeArtifact(facts.name);
        chat_->compare()->setOriginal({});
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
    if (demo && !QSettings().value(kHintKey).toBool()) {
        plan_->notice()->showNotice(u"info"_s,
                                    tr("This is the demo model; colours show which cells are "
                                       "fragile. Choose a budget below and press Solve, or paint "
                                       "bits and ranks yourself (F1 lists the keys). Then "
                                       "Compress, open the result and chat with it."));
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

void MainWindow::restoreLayout() {
    // The frame that the desktop draws around it is not known yet.
    resize(QSize(1440, 900).boundedTo(screen()->availableSize() - QSize(8, 40)));
    firstLayout_ = saveState(kWindowLayoutVersion);
    QSettings settings;
    restoreGeometry(settings.value(kGeometryKey).toByteArray());
    restoreState(settings.value(kLayoutKey).toByteArray(), kWindowLayoutVersion);
    wantsCellDock_ = settings.value(kDockKey, true).toBool();
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
    settings.setValue(kGeometryKey, saveGeometry());
    settings.setValue(kLayoutKey, saveState(kWindowLayoutVersion));
    settings.setValue(kDockKey, wantsCellDock_);
    QMainWindow::closeEvent(event);
}

} // namespace caldera::studio
