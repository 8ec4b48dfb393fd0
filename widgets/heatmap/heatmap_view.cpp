#include "widgets/heatmap/heatmap_view.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QScrollBar>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

#include "widgets/heatmap/heatmap_delegate.h"
#include "widgets/heatmap/heatmap_headers.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kWideHeight = 24; ///< of the cell of embeddings or head
constexpr int kSmallestHeight = 20;
constexpr int kLargestHeight = 36;
constexpr int kLargestWidth = 160; ///< of a cell before zooming
constexpr double kLargestZoom = 10;
constexpr double kZoomStep = 1.2;
} // namespace

HeatmapView::HeatmapView(CellGridModel& model, QWidget* parent)
    : QTableView(parent), grid_(model), delegate_(new HeatmapDelegate(this)),
      layers_(new HeatmapHeader(Qt::Horizontal, this)),
      modules_(new HeatmapHeader(Qt::Vertical, this)) {
    setObjectName(u"heatmap"_s);
    setAccessibleName(tr("Heatmap: modules by layers"));
    setHorizontalHeader(layers_);
    setVerticalHeader(modules_);
    setModel(&grid_);
    setItemDelegate(delegate_);
    setFont(Theme::current().numberFont(-1));
    setShowGrid(false);
    setFrameShape(QFrame::NoFrame);
    setCornerButtonEnabled(false);
    setSelectionMode(QAbstractItemView::NoSelection);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setHorizontalScrollMode(QAbstractItemView::ScrollPerPixel);
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setTabKeyNavigation(false);
    setMouseTracking(true);
    viewport()->setAutoFillBackground(false);
    QPalette clear = palette();
    clear.setColor(QPalette::Base, Qt::transparent);
    setPalette(clear);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    setMaximumHeight(heightOf(kLargestHeight));
    connect(&grid_, &QAbstractItemModel::modelReset, this, &HeatmapView::startAnew);
    connect(&Theme::current(), &Theme::themeChanged, viewport(), qOverload<>(&QWidget::update));
    layOutCells();
}

void HeatmapView::startAnew() {
    zoom_ = 1;
    hovered_.reset();
    preview_.clear();
    pin(std::nullopt);
    setMaximumHeight(heightOf(kLargestHeight));
    updateGeometry();
    layOutCells();
}

std::optional<Cell> HeatmapView::shownCell() const {
    if (pinned_) {
        return pinned_;
    }
    if (hovered_) {
        return hovered_;
    }
    const bool isChosen = hasFocus() || selectionModel()->hasSelection();
    return isChosen ? CellGridModel::cellOf(currentIndex()) : std::nullopt;
}

void HeatmapView::pin(std::optional<Cell> cell) {
    if (pinned_ != cell) {
        pinned_ = cell;
        viewport()->update();
        Q_EMIT cellPinned(pinned_);
    }
    tellShown();
}

std::vector<Cell> HeatmapView::selectedCells() const {
    std::vector<Cell> cells;
    for (const QModelIndex& index : selectionModel()->selectedIndexes()) {
        if (const auto cell = CellGridModel::cellOf(index)) {
            cells.push_back(*cell);
        }
    }
    std::sort(cells.begin(), cells.end());
    return cells;
}

std::vector<Cell> HeatmapView::targets() const {
    std::vector<Cell> cells = selectedCells();
    const auto alone = hovered_ ? hovered_ : CellGridModel::cellOf(currentIndex());
    if (cells.empty() && alone) {
        cells.push_back(*alone);
    }
    return cells;
}

std::optional<Cell> HeatmapView::cellAt(const QPoint& position) const {
    return CellGridModel::cellOf(indexAt(position));
}

Cell HeatmapView::nearestCell(const QPoint& position) const {
    const int right = layers_->length() - layers_->offset() - 1;
    const int bottom = modulesBottom() - 1;
    const QPoint inside(qBound(0, position.x(), qMin(right, viewport()->width() - 1)),
                        qBound(0, position.y(), bottom));
    return cellAt(inside).value_or(Cell());
}

void HeatmapView::setPreview(std::vector<Cell> cells) {
    if (preview_ != cells) {
        preview_ = std::move(cells);
        viewport()->update();
    }
}

void HeatmapView::setMenuActions(const QList<QAction*>& actions) {
    menuActions_ = actions;
}

void HeatmapView::resetZoom() {
    zoom_ = 1;
    layOutCells();
}

int HeatmapView::cellsLeft() const {
    return modules_->width();
}

int HeatmapView::wideHeight() const {
    return grid_.wideCells().isEmpty() ? 0 : HeatmapDelegate::kWideGap + kWideHeight;
}

int HeatmapView::modulesBottom() const {
    const int last = static_cast<int>(kModules.size()) - 1;
    return modules_->sectionViewportPosition(last) + modules_->sectionSize(last);
}

/// Of the whole view, a scroll bar included.
int HeatmapView::heightOf(int cellHeight) const {
    return layers_->height() + static_cast<int>(kModules.size()) * cellHeight + wideHeight() +
           horizontalScrollBar()->sizeHint().height();
}

QSize HeatmapView::sizeHint() const {
    return {640, heightOf(kLargestHeight)};
}

QSize HeatmapView::minimumSizeHint() const {
    return {240, heightOf(kSmallestHeight)};
}

void HeatmapView::layOutCells() {
    const int columns = grid_.columnCount();
    const int rows = static_cast<int>(kModules.size());
    if (columns == 0) {
        return;
    }
    const int widest = modules_->fontMetrics().horizontalAdvance(u"gate_proj"_s) + kSpaceLarge;
    modules_->setFixedWidth(widest);
    const int room = qMax(1, width() - widest);
    const int base = qBound(1, room / columns, kLargestWidth);
    const int cellWidth = qMax(base, static_cast<int>(std::lround(base * zoom_)));
    const bool scrolls = cellWidth * columns > room;
    const int scrollHeight = scrolls ? horizontalScrollBar()->sizeHint().height() : 0;
    const int heightRoom = height() - layers_->height() - scrollHeight - wideHeight();
    const int cellHeight = qBound(kSmallestHeight, heightRoom / rows, kLargestHeight);
    delegate_->setCellWidth(cellWidth);
    layers_->setDefaultSectionSize(cellWidth);
    const int left = room - cellWidth * columns; // pixels that whole widths leave over
    for (int column = 0; column < left && cellWidth < kLargestWidth && column < columns; ++column) {
        layers_->resizeSection(column, cellWidth + 1);
    }
    modules_->setDefaultSectionSize(cellHeight);
    layOutWideCells();
    viewport()->update();
}

void HeatmapView::layOutWideCells() {
    clearSpans();
    const int count = static_cast<int>(grid_.wideCells().size());
    if (count == 0) {
        return;
    }
    const int row = static_cast<int>(kModules.size());
    modules_->resizeSection(row, wideHeight());
    for (int wide = 0; wide < count; ++wide) {
        const int first = grid_.wideIndexOf(wide).column();
        const int next =
            wide + 1 < count ? grid_.wideIndexOf(wide + 1).column() : grid_.columnCount();
        if (first >= 0 && next - first > 1) { // a cell that spans itself alone is none
            setSpan(row, first, 1, next - first);
        }
    }
}

void HeatmapView::resizeEvent(QResizeEvent* event) {
    QTableView::resizeEvent(event);
    layOutCells();
}

void HeatmapView::wheelEvent(QWheelEvent* event) {
    const int turn = event->angleDelta().y();
    if (turn == 0 || event->modifiers().testFlag(Qt::ShiftModifier)) {
        const int distance = turn == 0 ? event->angleDelta().x() : turn;
        horizontalScrollBar()->setValue(horizontalScrollBar()->value() - distance);
        event->accept();
        return;
    }
    const int cursor = qRound(event->position().x());
    const int under = layers_->logicalIndexAt(cursor);
    const int column = under < 0 ? grid_.columnCount() - 1 : under;
    const double part = static_cast<double>(cursor - layers_->sectionViewportPosition(column)) /
                        qMax(1, layers_->sectionSize(column));
    zoom_ = std::clamp(zoom_ * std::pow(kZoomStep, turn / 120.0), 1.0, kLargestZoom);
    layOutCells();
    updateGeometries();
    horizontalScrollBar()->setValue(
        layers_->sectionPosition(column) +
        static_cast<int>(std::lround(part * layers_->sectionSize(column))) - cursor);
    event->accept();
}

void HeatmapView::mouseMoveEvent(QMouseEvent* event) {
    QTableView::mouseMoveEvent(event);
    hover(cellAt(event->pos()));
}

void HeatmapView::mousePressEvent(QMouseEvent* event) {
    const bool left = event->button() == Qt::LeftButton;
    pressed_ = left ? cellAt(event->pos()) : std::nullopt;
    const QModelIndex index = indexAt(event->pos());
    if (const int wide = grid_.wideCellOf(index); left && wide >= 0) {
        selectionModel()->setCurrentIndex(index, QItemSelectionModel::NoUpdate);
        Q_EMIT wideCellActivated(wide);
        return;
    }
    QTableView::mousePressEvent(event);
}

void HeatmapView::mouseReleaseEvent(QMouseEvent* event) {
    QTableView::mouseReleaseEvent(event);
    if (pressed_ && cellAt(event->pos()) == pressed_) {
        pin(pinned_ == pressed_ ? std::nullopt : pressed_);
    }
    pressed_.reset();
}

void HeatmapView::leaveEvent(QEvent* event) {
    QTableView::leaveEvent(event);
    hover(std::nullopt);
}

void HeatmapView::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Escape && pinned_) {
        pin(std::nullopt);
        return;
    }
    if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) &&
        currentIndex().isValid()) {
        if (const auto cell = CellGridModel::cellOf(currentIndex())) {
            pin(pinned_ == cell ? std::nullopt : cell);
        } else {
            Q_EMIT wideCellActivated(grid_.wideCellOf(currentIndex()));
        }
        return;
    }
    if (event->matches(QKeySequence::Copy) && shownCell()) {
        QGuiApplication::clipboard()->setText(
            grid_.indexOf(*shownCell()).data(Qt::ToolTipRole).toString());
        return;
    }
    QTableView::keyPressEvent(event);
}

void HeatmapView::currentChanged(const QModelIndex& current, const QModelIndex& previous) {
    QTableView::currentChanged(current, previous);
    const auto cell = CellGridModel::cellOf(current);
    if (pinned_ && cell && !pressed_ && hasFocus()) {
        pinned_ = cell; // the keyboard carries the pin along
        Q_EMIT cellPinned(pinned_);
    }
    viewport()->update();
    tellShown();
}

void HeatmapView::hover(std::optional<Cell> cell) {
    if (hovered_ == cell) {
        return;
    }
    repaintCrosshair();
    hovered_ = cell;
    repaintCrosshair();
    layers_->setMarked(cell ? cell->layer : -1);
    modules_->setMarked(cell ? static_cast<int>(cell->module) : -1);
    tellShown();
}

/// Only what the crosshair crosses: the mouse passes many cells a second.
void HeatmapView::repaintCrosshair() {
    if (!hovered_) {
        return;
    }
    constexpr int kFrame = 2; // that lies over the neighbours
    const QRect area =
        visualRect(grid_.indexOf(*hovered_)).adjusted(-kFrame, -kFrame, kFrame, kFrame);
    viewport()->update(QRect(0, area.top(), viewport()->width(), area.height()));
    viewport()->update(QRect(area.left(), 0, area.width(), modulesBottom()));
}

void HeatmapView::tellShown() {
    const std::optional<Cell> now = shownCell();
    if (shown_ != now) {
        shown_ = now;
        Q_EMIT cellShown(now);
    }
}

} // namespace caldera::studio
