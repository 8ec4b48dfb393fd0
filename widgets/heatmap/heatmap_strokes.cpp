#include "widgets/heatmap/heatmap_strokes.h"

#include <QMouseEvent>

#include "widgets/heatmap/heatmap_view.h"
#include "widgets/heatmap/paint_state.h"
#include "widgets/models/plan_document.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kCursorSize = 20;
}

HeatmapStrokes::HeatmapStrokes(HeatmapView& view, PlanDocument& plan, PaintState& paint,
                               QObject* parent)
    : QObject(parent), view_(view), plan_(plan), paint_(paint) {
    view_.viewport()->installEventFilter(this);
    view_.installEventFilter(this);
    connect(&paint_, &PaintState::changed, this, &HeatmapStrokes::showTool);
    // Both, since Shift and Ctrl move one without the other.
    connect(view_.selectionModel(), &QItemSelectionModel::currentChanged, this,
            &HeatmapStrokes::showTargets);
    connect(view_.selectionModel(), &QItemSelectionModel::selectionChanged, this,
            &HeatmapStrokes::showTargets);
    connect(&Theme::current(), &Theme::themeChanged, this, &HeatmapStrokes::showTool);
}

bool HeatmapStrokes::eventFilter(QObject* watched, QEvent* event) {
    if (watched == &view_) {
        if (event->type() == QEvent::FocusIn || event->type() == QEvent::FocusOut) {
            showTargets();
        }
        return QObject::eventFilter(watched, event);
    }
    const bool paints = paint_.reach().tool != PaintTool::Select && !plan_.empty();
    if (!paints && !stroke_) {
        return QObject::eventFilter(watched, event);
    }
    switch (event->type()) {
    case QEvent::MouseButtonPress:
    case QEvent::MouseButtonDblClick:
        return press(*static_cast<QMouseEvent*>(event));
    case QEvent::MouseMove:
        follow(static_cast<QMouseEvent*>(event)->pos());
        return true;
    case QEvent::MouseButtonRelease:
        if (!stroke_ || static_cast<QMouseEvent*>(event)->button() != Qt::LeftButton) {
            return false;
        }
        end();
        return true;
    case QEvent::Leave: // what the keyboard reaches counts again
        view_.hover(std::nullopt);
        showTargets();
        return false;
    default:
        return QObject::eventFilter(watched, event);
    }
}

bool HeatmapStrokes::press(const QMouseEvent& mouse) {
    const auto cell = view_.cellAt(mouse.pos());
    if (mouse.button() != Qt::LeftButton || !cell) {
        return false;
    }
    view_.setFocus(Qt::MouseFocusReason);
    begin(*cell);
    return true;
}

void HeatmapStrokes::follow(const QPoint& position) {
    view_.hover(view_.cellAt(position));
    if (stroke_) {
        moveTo(view_.nearestCell(position));
    } else {
        showReach(view_.cellAt(position));
    }
}

void HeatmapStrokes::begin(Cell cell) {
    stroke_ = Stroke{cell, cell, plan_.newStroke(), 0, {}};
    moveTo(cell);
}

void HeatmapStrokes::moveTo(Cell cell) {
    if (paint_.reach().tool == PaintTool::Brush) {
        paintFrom(stroke_->last, cell);
    } else {
        view_.setPreview(paint_.reach().cells(stroke_->origin.layer, stroke_->origin, cell,
                                              plan_.config().layerCount));
    }
    stroke_->last = cell;
}

void HeatmapStrokes::end() {
    if (paint_.reach().tool != PaintTool::Brush) {
        paintFrom(stroke_->origin, stroke_->last);
    }
    const int leftAlone = stroke_->leftAlone;
    const Cell last = stroke_->last;
    stroke_.reset();
    showReach(last);
    if (leftAlone > 0) {
        Q_EMIT this->leftAlone(leftAlone);
    }
}

void HeatmapStrokes::cancel() {
    if (stroke_) {
        plan_.undoStroke(stroke_->id);
        stroke_.reset();
        showReach(std::nullopt);
    }
}

void HeatmapStrokes::paintFrom(Cell from, Cell to) {
    std::vector<Cell> cells =
        paint_.reach().cells(stroke_->origin.layer, from, to, plan_.config().layerCount);
    std::erase_if(cells, [this](Cell cell) { return !stroke_->reached.insert(cell).second; });
    stroke_->leftAlone +=
        plan_.editCells(paint_.name(), editsOf(cells, paint_.edit()), stroke_->id);
}

void HeatmapStrokes::showReach(std::optional<Cell> cell) {
    const bool paints = paint_.reach().tool != PaintTool::Select;
    view_.setPreview(
        cell && paints ? paint_.reach().cells(cell->layer, *cell, *cell, plan_.config().layerCount)
                       : std::vector<Cell>());
}

void HeatmapStrokes::showTargets() {
    const bool paints = paint_.reach().tool != PaintTool::Select && !plan_.empty();
    if (!stroke_ && (paints || !view_.preview().empty())) {
        view_.setPreview(paints && view_.hasFocus()
                             ? paint_.reach().around(view_.targets(), plan_.config().layerCount)
                             : std::vector<Cell>());
    }
}

void HeatmapStrokes::showTool() {
    static const std::array names = {u""_s,    u"brush"_s,  u"box"_s,
                                     u"row"_s, u"column"_s, u"group"_s};
    const PaintTool tool = paint_.reach().tool;
    if (tool == PaintTool::Select) {
        view_.viewport()->unsetCursor();
    } else {
        const QPixmap picture =
            iconPixmap(names.at(static_cast<size_t>(tool)), Theme::current().color(Token::Text),
                       kCursorSize, view_.devicePixelRatioF());
        // The brush points with its tip, the others with their middle.
        view_.viewport()->setCursor(tool == PaintTool::Brush ? QCursor(picture, 2, kCursorSize - 3)
                                                             : QCursor(picture));
    }
    showTargets();
}

} // namespace caldera::studio
