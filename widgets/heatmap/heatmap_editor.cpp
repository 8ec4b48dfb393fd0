#include "widgets/heatmap/heatmap_editor.h"

#include <QActionGroup>
#include <QClipboard>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QLocale>

#include <algorithm>
#include <exception>
#include <utility>

#include "core/plan/foreign_plan.h"
#include "core/plan/rank_step.h"
#include "widgets/heatmap/heatmap_strokes.h"
#include "widgets/heatmap/heatmap_view.h"
#include "widgets/models/plan_clipboard.h"
#include "widgets/models/plan_document.h"
#include "widgets/theme/icons.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kMostEvery = 4; ///< that the key reaches; the bar has more

} // namespace

HeatmapEditor::HeatmapEditor(HeatmapView& view, PlanDocument& plan, QObject* parent)
    : QObject(parent), view_(view), plan_(plan),
      strokes_(new HeatmapStrokes(view, plan, paint_, this)), toolGroup_(new QActionGroup(this)) {
    view_.setSelectionMode(QAbstractItemView::ExtendedSelection);
    view_.installEventFilter(this);
    addTools();
    addBits();
    addMarks();
    addClipboard();
    connect(strokes_, &HeatmapStrokes::leftAlone, this, &HeatmapEditor::leftAlone);
    connect(&paint_, &PaintState::changed, this, &HeatmapEditor::showState);
    showState();
}

QAction* HeatmapEditor::add(const Key& key, std::function<void()> run) {
    auto* action = new QAction(key.text, this);
    if (!key.icon.isEmpty()) {
        action->setIcon(icon(key.icon));
    }
    action->setShortcut(key.keys);
    action->setShortcutContext(Qt::WidgetShortcut);
    action->setToolTip(tr("%1 (%2)").arg(key.text, key.keys.toString(QKeySequence::NativeText)));
    connect(action, &QAction::triggered, this, [run = std::move(run)] { run(); });
    view_.addAction(action);
    groups_.last().actions.append(action);
    return action;
}

void HeatmapEditor::addTools() {
    beginGroup(tr("Tools"));
    const std::array<std::pair<PaintTool, Key>, kPaintToolCount> tools = {{
        {PaintTool::Select, {Qt::Key_V, tr("Select and pin cells"), u"select"_s}},
        {PaintTool::Brush, {Qt::Key_B, tr("Brush: paint cell by cell"), u"brush"_s}},
        {PaintTool::Box, {Qt::Key_X, tr("Box: paint from corner to corner"), u"box"_s}},
        {PaintTool::Row, {Qt::Key_R, tr("Row: paint a module in all layers"), u"row"_s}},
        {PaintTool::Column, {Qt::Key_C, tr("Column: paint a whole layer"), u"column"_s}},
        {PaintTool::Group,
         {Qt::Key_G, tr("Group: paint modules that share an input, in all layers"), u"group"_s}},
    }};
    for (const auto& [tool, key] : tools) {
        QAction* action = add(key, [this, tool = tool] { paint_.setTool(tool); });
        action->setCheckable(true);
        action->setActionGroup(toolGroup_);
        tools_.append(action);
    }
    mirror_ = add({Qt::Key_M, tr("Mirror: also the layers as far from the other end"), u"mirror"_s},
                  [this] { paint_.setMirrored(!paint_.reach().mirrored); });
    mirror_->setCheckable(true);
    add({Qt::Key_N, tr("Every second, third, fourth layer, or all"), {}},
        [this] { paint_.setEvery(paint_.reach().every % kMostEvery + 1); });
    paintSelected_ = add({Qt::Key_Space, tr("Paint here, or the selected cells"), u"brush"_s},
                         [this] { edit(paint_.name(), editsOf(reached(), paint_.edit())); });
}

void HeatmapEditor::addBits() {
    beginGroup(tr("Bits and rank"));
    for (const auto& [key, bits] : {std::pair(Qt::Key_1, 1.5), std::pair(Qt::Key_2, 2.0),
                                    std::pair(Qt::Key_3, 3.0), std::pair(Qt::Key_4, 4.0)}) {
        add({key, tr("%1 bits").arg(QLocale::c().toString(bits)), {}},
            [this, bits = bits] { setBits(bits); });
    }
    add({Qt::Key_Plus, tr("More bits, by one step of the codec"), u"plus"_s}, [this] {
        stepBits(1);
    })->setShortcuts({Qt::Key_Plus, Qt::Key_Equal});
    add({Qt::Key_Minus, tr("Fewer bits, by one step of the codec"), u"minus"_s},
        [this] { stepBits(-1); });
    add({Qt::Key_BracketRight, tr("Rank up by %1").arg(kRankStep), {}}, [this] { stepRank(1); });
    add({Qt::Key_BracketLeft, tr("Rank down by %1").arg(kRankStep), {}}, [this] { stepRank(-1); });
    add({Qt::Key_0, tr("Rank 0: no low-rank part"), {}}, [this] { setRank(0); });
    add({Qt::Key_K, tr("Next codec, for cells that share an input"), {}}, [this] { nextCodec(); });
}

void HeatmapEditor::addMarks() {
    beginGroup(tr("Marks"));
    add({Qt::Key_L, tr("Lock or unlock: painting and solving leave locked cells alone"), u"lock"_s},
        [this] { toggleLock(); });
    add({Qt::Key_S, tr("Keep at 16 bits, or compress again"), {}}, [this] { toggleSkip(); });
}

void HeatmapEditor::addClipboard() {
    beginGroup(tr("Cells"));
    add({QKeySequence::SelectAll, tr("Select all cells"), {}}, [this] { view_.selectAll(); });
    add({QKeySequence::Copy, tr("Copy settings of cells"), u"copy"_s}, [this] { copy(); });
    add({QKeySequence::Paste, tr("Paste settings, or a whole plan"), {}}, [this] { paste(); });
    view_.setMenuActions(groups_.last().actions + groups_[groups_.size() - 2].actions);
}

void HeatmapEditor::setEnabled(bool enabled) {
    for (const CommandGroup& group : std::as_const(groups_)) {
        for (QAction* action : group.actions) {
            action->setEnabled(enabled);
        }
    }
    if (enabled) {
        mirror_->setEnabled(paints());
    }
}

void HeatmapEditor::showState() {
    toolAction(paint_.reach().tool)->setChecked(true);
    mirror_->setChecked(paint_.reach().mirrored);
    mirror_->setEnabled(paints());
}

void HeatmapEditor::setBits(double bits) {
    if (paints()) {
        paint_.paintBits(bits);
        return;
    }
    CellEdit change;
    change.bits = bits;
    editTargets(tr("Set bits to %1").arg(QLocale::c().toString(bits)), change);
}

void HeatmapEditor::stepBits(int direction) {
    if (paints()) {
        paint_.paintBits(steppedBits(paint_.codec(), paint_.bits(), direction));
        return;
    }
    CellEdits edits;
    const std::vector<Cell> cells = view_.targets();
    for (const Cell cell : cells) {
        const CellSettings& now = plan_.settingsOf(cell);
        CellEdit change;
        change.bits = steppedBits(now.codec, now.bits, direction);
        edits.emplace_back(cell, change);
    }
    const QString name = direction > 0 ? tr("More bits") : tr("Fewer bits");
    edit(name, edits, repeated(name, cells));
}

void HeatmapEditor::setRank(int rank) {
    if (paints()) {
        paint_.paintRank(rank);
        return;
    }
    CellEdit change;
    change.rank = rank;
    editTargets(tr("Set rank to %1").arg(rank), change);
}

void HeatmapEditor::stepRank(int direction) {
    if (paints()) {
        paint_.paintRank(std::max(0, paint_.rank() + direction * kRankStep));
        return;
    }
    CellEdits edits;
    const std::vector<Cell> cells = view_.targets();
    for (const Cell cell : cells) {
        CellEdit change;
        change.rank = plan_.settingsOf(cell).rank + direction * kRankStep;
        edits.emplace_back(cell, change);
    }
    const QString name = tr("Change rank");
    edit(name, edits, repeated(name, cells));
}

void HeatmapEditor::nextCodec() {
    const std::vector<Cell> cells = view_.targets();
    const std::vector<std::string> families = paintableCodecs();
    const std::string now = paints()        ? paint_.codec()
                            : cells.empty() ? std::string()
                                            : plan_.settingsOf(cells.front()).codec;
    const auto found = std::find(families.begin(), families.end(), now);
    const std::string next = found == families.end() || std::next(found) == families.end()
                                 ? families.front()
                                 : *std::next(found);
    if (paints()) {
        paint_.paintCodec(next);
        return;
    }
    CellEdit change;
    change.codec = next;
    editTargets(tr("Set codec to %1").arg(QString::fromStdString(next)), change);
}

/// What the tool reaches from the keyboard's cell, or from each of the selected ones.
std::vector<Cell> HeatmapEditor::reached() const {
    return paints() ? paint_.reach().around(view_.targets(), plan_.config().layerCount)
                    : view_.targets();
}

bool HeatmapEditor::allTargets(bool CellSettings::*mark) const {
    const std::vector<Cell> cells = view_.targets();
    return std::all_of(cells.begin(), cells.end(),
                       [&](Cell cell) { return plan_.settingsOf(cell).*mark; });
}

void HeatmapEditor::toggleLock() {
    if (paints()) {
        paint_.paintLock(paint_.what() != PaintWhat::Lock || !paint_.on());
        return;
    }
    CellEdit change;
    change.locked = !allTargets(&CellSettings::locked);
    editTargets(*change.locked ? tr("Lock cells") : tr("Unlock cells"), change);
}

void HeatmapEditor::toggleSkip() {
    if (paints()) {
        paint_.paintSkip(paint_.what() != PaintWhat::Skip || !paint_.on());
        return;
    }
    CellEdit change;
    change.skip = !allTargets(&CellSettings::skip);
    editTargets(*change.skip ? tr("Keep cells at 16 bits") : tr("Compress cells"), change);
}

void HeatmapEditor::copy() {
    if (const std::vector<Cell> cells = view_.targets(); !cells.empty()) {
        QGuiApplication::clipboard()->setText(cellsText(plan_.cells(), cells));
    }
}

void HeatmapEditor::paste() {
    try {
        const PastedSettings pasted = parsePasted(QGuiApplication::clipboard()->text());
        if (pasted.plan) {
            const Plan plan = fitForeignPlan(*pasted.plan, plan_.config());
            plan_.replace(tr("Paste a plan"), plan);
            Q_EMIT planPasted(plan);
        } else {
            edit(tr("Paste settings"),
                 placedEdits(pasted.cells, view_.targets(), plan_.config().layerCount));
        }
    } catch (const std::exception& error) {
        Q_EMIT failed(describeFailure(error));
    }
}

void HeatmapEditor::edit(const QString& name, const CellEdits& edits, std::optional<int> stroke) {
    if (plan_.empty()) {
        return;
    }
    const int alone = plan_.editCells(name, edits, stroke);
    repeat_.step = plan_.undoStack().index();
    if (alone > 0) {
        Q_EMIT leftAlone(alone);
    }
}

void HeatmapEditor::editTargets(const QString& name, const CellEdit& change) {
    edit(name, editsOf(view_.targets(), change));
}

int HeatmapEditor::repeated(const QString& name, const std::vector<Cell>& cells) {
    const bool goesOn =
        repeat_.name == name && repeat_.cells == cells && repeat_.step == plan_.undoStack().index();
    if (!goesOn) {
        repeat_ = {name, cells, plan_.newStroke(), 0};
    }
    return repeat_.stroke;
}

bool HeatmapEditor::escape() {
    if (strokes_->active()) {
        strokes_->cancel();
    } else if (paints()) {
        paint_.setTool(PaintTool::Select);
    } else if (!view_.selectedCells().empty()) {
        view_.clearSelection();
        view_.pin(std::nullopt);
    } else {
        return false;
    }
    return true;
}

bool HeatmapEditor::eventFilter(QObject* watched, QEvent* event) {
    if (event->type() == QEvent::KeyPress &&
        static_cast<QKeyEvent*>(event)->key() == Qt::Key_Escape && escape()) {
        return true;
    }
    return QObject::eventFilter(watched, event);
}

} // namespace caldera::studio
