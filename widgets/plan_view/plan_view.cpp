#include "widgets/plan_view/plan_view.h"

#include <QComboBox>
#include <QLabel>
#include <QPushButton>
#include <QTabWidget>
#include <QVBoxLayout>

#include <utility>

#include "widgets/heatmap/heatmap_editor.h"
#include "widgets/heatmap/heatmap_view.h"
#include "widgets/heatmap/paint_bar.h"
#include "widgets/models/cell_edit.h"
#include "widgets/models/foreign_remark.h"
#include "widgets/models/session.h"
#include "widgets/plan_view/budget_bar.h"
#include "widgets/plan_view/difference_panel.h"
#include "widgets/plan_view/front_panel.h"
#include "widgets/plan_view/module_table.h"
#include "widgets/plan_view/plan_figures.h"
#include "widgets/plan_view/plan_settings.h"
#include "widgets/plan_view/truth_bar.h"
#include "widgets/support/empty_state.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/key_help.h"
#include "widgets/support/labels.h"
#include "widgets/support/message_room.h"
#include "widgets/support/notice_bar.h"
#include "widgets/support/number_text.h"
#include "widgets/support/page_stack.h"
#include "widgets/support/parts_label.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kTablesHeight = 72;  ///< the heatmap needs the room of a small window
constexpr int kLiveInterval = 200; // ms

/// As the heatmap shows them.
std::map<Cell, double> shownValues(const CellGridModel& grid) {
    std::map<Cell, double> values;
    for (const Cell cell : allCells(grid.layerCount())) {
        if (const std::optional<double> value = grid.cellAt(cell).value) {
            values[cell] = *value;
        }
    }
    return values;
}

} // namespace

PlanView::PlanView(Session& session, QWidget* parent)
    : QWidget(parent), session_(session), banner_(new ErrorBanner(this)),
      notice_(new NoticeBar(this)), stack_(new PageStack(this)), keys_(new KeyHelp(this)),
      comparison_(session.plan()), solver_(session, comparison_), truth_(new TruthBar(this)),
      measure_(new QPushButton(icon(u"measure"_s), tr("Measure…"), this)),
      revise_(new QPushButton(tr("Apply to the run"), this)),
      compress_(new QPushButton(tr("Compress…"), this)) {
    stack_->addWidget(makeEmptyState());
    stack_->addWidget(makeBody());
    fillTruthBar();
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(banner_);
    layout->addWidget(notice_);
    layout->addWidget(stack_, 1);
    layout->addWidget(truth_);

    connect(&session_, &Session::opened, this, &PlanView::showOpened);
    connect(&session_, &Session::reportChanged, this, &PlanView::showFigures);
    connect(&session_, &Session::speedChanged, this, &PlanView::showFigures);
    // The heatmap has taken the cell by then; the table need not follow each of many.
    liveCells_.setSingleShot(true);
    liveCells_.setInterval(kLiveInterval);
    connect(&session_, &Session::liveCell, &liveCells_, [this] {
        if (!liveCells_.isActive())
            liveCells_.start();
    });
    connect(&liveCells_, &QTimer::timeout, this, &PlanView::showModules);
    // The heatmap has followed the plan by then, so that an edit is shown once.
    connect(heatmap_, &HeatmapPanel::metricShown, this, &PlanView::showPlan);
}

QWidget* PlanView::makeEmptyState() {
    auto* empty = new EmptyState(
        u"plan"_s, tr("No model is open"),
        tr("A plan says how many bits and which rank every matrix of a model gets. Open a model "
           "to see its layers here."),
        this);
    empty->setActionText(tr("Open a model…"));
    connect(empty, &EmptyState::triggered, this, &PlanView::openRequested);
    return empty;
}

void PlanView::fillTruthBar() {
    measure_->setToolTip(tr("Measure how fragile each cell is: its errors at several bits and "
                            "ranks, and what they do to predictions, without compressing "
                            "anything"));
    compress_->setToolTip(tr("Compress the model by this plan, as a run that outlives the window"));
    compress_->setDefault(true);
    truth_->addAction(measure_);
    revise_->setToolTip(tr("Let the compression at work go on with this plan: cells whose settings "
                           "changed are made again, all others stay"));
    revise_->hide();
    truth_->addAction(revise_);
    truth_->addAction(compress_);
    connect(measure_, &QPushButton::clicked, this, &PlanView::measureRequested);
    connect(revise_, &QPushButton::clicked, this, &PlanView::reviseRequested);
    connect(compress_, &QPushButton::clicked, this, &PlanView::compressRequested);
    truth_->setVisible(false); // until a model is open
}

QWidget* PlanView::makeHeader() {
    auto* header = new QWidget(this);
    title_ = titleLabel(QString(), header);
    title_->setObjectName(u"planTitle"_s);
    title_->setProperty("isData", true);
    subtitle_ = new ToneLabel(QString(), Token::Secondary, header);
    auto* line = new QHBoxLayout(header);
    line->setContentsMargins(0, 0, 0, 0);
    line->setSpacing(kSpaceMedium);
    line->addWidget(title_, 0, Qt::AlignBaseline);
    line->addWidget(subtitle_, 0, Qt::AlignBaseline);
    line->addStretch(1);
    line->addWidget(heatmap_->agreement(), 0, Qt::AlignVCenter);
    return header;
}

QWidget* PlanView::makeBody() {
    auto* body = new QWidget(this);
    heatmap_ = new HeatmapPanel(session_, HeatmapPanel::Source::Planned, body);
    editor_ = new HeatmapEditor(*heatmap_->view(), session_.plan(), this);
    paintBar_ = new PaintBar(*editor_, body);
    connect(paintBar_, &PaintBar::keysRequested, this, &PlanView::showKeys);
    connect(editor_, &HeatmapEditor::leftAlone, this, [this](int cells) {
        notice_->showNotice(u"lock"_s, tr("%n locked cell(s) left alone. Select and press L to "
                                          "unlock.",
                                          nullptr, cells));
    });
    connect(editor_, &HeatmapEditor::planPasted, this, [this](const Plan& plan) {
        const QString remark = foreignRemark(plan, tr("What was pasted"));
        if (!remark.isEmpty()) {
            notice_->showNotice(u"info"_s, remark);
        }
    });
    connect(editor_, &HeatmapEditor::failed, this,
            [this](const Failure& failure) { banner_->showFailure(failure); });
    settings_ = new PlanSettings(session_.plan(), body);

    auto* settingsLine = new QHBoxLayout;
    settingsLine->setSpacing(kSpaceSmall);
    settingsLine->addWidget(settings_, 1);
    settingsLine->addWidget(heatmap_->metricChoice());

    auto* layout = new QVBoxLayout(body);
    layout->setContentsMargins(kSpaceLarge, kSpaceMedium, kSpaceLarge, kSpaceSmall);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(makeHeader());
    layout->addLayout(settingsLine);
    layout->addWidget(paintBar_);
    layout->addWidget(heatmap_, 4);
    layout->addWidget(makeTables(), 3);
    budget_ = new BudgetBar(session_, solver_, body);
    layout->addWidget(budget_);
    connectSolver();
    return body;
}

QWidget* PlanView::makeTables() {
    tables_ = new QTabWidget(this);
    tables_->setDocumentMode(true);
    table_ = new ModuleTable(modules_, tables_);
    differences_ = new DifferencePanel(comparison_, tables_);
    tables_->addTab(table_, tr("Where the bytes go"));
    tables_->addTab(differences_, tr("Differences"));
    front_ = new FrontPanel(session_, solver_, tables_);
    tables_->addTab(front_, tr("Size and quality"));
    connect(differences_, &DifferencePanel::compareRequested, this, &PlanView::compareRequested);
    connect(differences_, &DifferencePanel::cellChosen, this,
            [this](const Cell& cell) { heatmap_->view()->pin(cell); });
    connect(heatmap_->view(), &HeatmapView::wideCellActivated, settings_,
            &PlanSettings::offerTableBits);
    connect(&comparison_, &PlanComparison::otherChanged, this, &PlanView::showComparison);
    lower_ = new MessageRoom(tables_, kTablesHeight, this);
    return lower_;
}

void PlanView::connectSolver() {
    connect(&solver_, &PlanSolver::targetChanged, this, &PlanView::showFigures);
    connect(&solver_, &PlanSolver::lossesChanged, this, &PlanView::showFigures);
    connect(&solver_, &PlanSolver::solved, this, [this](const QString& sentence) {
        banner_->clear();
        notice_->showNotice(u"check"_s, sentence);
        solved_ = sentence;
    });
    // Its figures are those of a plan that is no more.
    connect(&session_.plan(), &PlanDocument::changed, this, [this] {
        if (notice_->sentence() == std::exchange(solved_, {})) {
            notice_->clear();
        }
    });
    connect(&solver_, &PlanSolver::failed, this, [this](const Failure& failure) {
        if (solver_.losses()) {
            banner_->showFailure(failure);
        } else {
            banner_->showFailure(failure, {},
                                 {tr("Measure"), [this] { Q_EMIT measureRequested(); }});
        }
    });
    connect(front_, &FrontPanel::sizeChosen, this, [this](double bytes) {
        budget_->setSize(bytes);
        solver_.solve();
    });
}

void PlanView::showComparison() {
    heatmap_->setOther(comparison_.other());
    if (comparison_.other() != nullptr) {
        tables_->setCurrentWidget(differences_);
    }
}

void PlanView::showKeys() {
    QList<KeyHelpSection> sections;
    for (const CommandGroup& group : editor_->commands()) {
        KeyHelpSection section{group.title, {}};
        for (const QAction* action : group.actions) {
            section.lines.append(
                {action->shortcut().toString(QKeySequence::NativeText), action->text()});
        }
        sections.append(section);
    }
    sections.append({tr("Moving"),
                     {{tr("Arrows"), tr("Move; with Shift, select")},
                      {tr("Enter"), tr("Pin the cell, or release it")},
                      {tr("Esc"), tr("Take back the stroke, leave the tool, select nothing")},
                      {tr("Wheel"), tr("Zoom; with Shift, scroll")}}});
    keys_->open(sections);
}

void PlanView::showOpened() {
    const OpenFacts& facts = *session_.facts();
    stack_->setCurrentIndex(1);
    // From now on hands work on the heatmap, which messages must not move.
    lower_->addMessage(banner_);
    lower_->addMessage(notice_);
    truth_->setVisible(true);
    truth_->startAnew();
    banner_->clear();
    budget_->begin();
    title_->setText(facts.name);
    subtitle_->setText(tr("%1 layers · %2 weights · %3")
                           .arg(QString::number(facts.config.layerCount),
                                parameterText(facts.config.parameterCount()),
                                QString::fromStdString(facts.config.architecture)));
    showPlan();
}

void PlanView::showModules() {
    if (session_.plan().empty()) {
        return;
    }
    const MetricLayer* metric = session_.metric(heatmap_->metricId());
    modules_.setMetric(metric == nullptr ? QString() : metric->title,
                       metric == nullptr ? QString() : metric->unit);
    modules_.setRows(
        moduleRows(session_.plan().plan(), session_.plan().cells(), shownValues(heatmap_->grid())));
}

void PlanView::showPlan() {
    if (session_.plan().empty()) {
        return;
    }
    showModules();
    const auto& problem = session_.plan().problem();
    if (problem) {
        banner_->showFailure(*problem);
    } else {
        banner_->clear();
    }
    compress_->setEnabled(!problem);
    showFigures();
}

void PlanView::showFigures() {
    if (session_.plan().empty()) {
        return;
    }
    truth_->setFigures(planFigures(session_, solver_));
    budget_->showState();
    front_->showPlan();
}

void PlanView::setRevisable(bool isRevisable) {
    revise_->setVisible(isRevisable);
}

} // namespace caldera::studio
