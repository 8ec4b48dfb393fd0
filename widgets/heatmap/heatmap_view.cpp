#include "widgets/heatmap/heatmap_view.h"

#include <QBuffer>
#include <QClipboard>
#include <QGuiApplication>
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>
#include <QToolTip>
#include <QWheelEvent>

#include <algorithm>
#include <cmath>

#include "widgets/heatmap/heatmap_delegate.h"
#include "widgets/heatmap/heatmap_headers.h"
#include "widgets/support/save_file.h"
#include "widgets/theme/color_ramp.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kSmallestHeight = 20;
constexpr int kLargestHeight = 36;
constexpr int kLargestWidth = 160; ///< of a cell before zooming
constexpr int kWideHeight = 24;    ///< of the cell of embeddings or head
constexpr int kWideGap = 4;        ///< above it
constexpr double kLargestZoom = 10;
constexpr double kZoomStep = 1.2;
} // namespace

HeatmapView::HeatmapView(CellGridModel& model, QWidget* parent)
    : QTableView(parent), grid_(model), layers_(new HeatmapHeader(Qt::Horizontal, this)),
      modules_(new HeatmapHeader(Qt::Vertical, this)) {
    setObjectName(u"heatmap"_s);
    setAccessibleName(tr("Heatmap: modules by layers"));
    setHorizontalHeader(layers_);
    setVerticalHeader(modules_);
    setModel(&grid_);
    setItemDelegate(new HeatmapDelegate(this));
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
    connect(&grid_, &QAbstractItemModel::modelReset, this, [this] {
        zoom_ = 1;
        hovered_.reset();
        pin(std::nullopt);
        layOutCells();
    });
    connect(&Theme::current(), &Theme::themeChanged, viewport(), qOverload<>(&QWidget::update));
    layOutCells();
}

std::optional<Cell> HeatmapView::shownCell() const {
    if (pinned_) {
        return pinned_;
    }
    if (hovered_) {
        return hovered_;
    }
    return hasFocus() && currentIndex().isValid() ? std::optional(grid_.cellOf(currentIndex()))
                                                  : std::nullopt;
}

void HeatmapView::pin(std::optional<Cell> cell) {
    if (pinned_ != cell) {
        pinned_ = cell;
        viewport()->update();
        Q_EMIT cellPinned(pinned_);
    }
    tellShown();
}

void HeatmapView::resetZoom() {
    zoom_ = 1;
    layOutCells();
}

void HeatmapView::setWideCells(const QList<WideCell>& cells) {
    if (wide_ == cells) {
        return;
    }
    const bool sameRow = wide_.isEmpty() == cells.isEmpty();
    wide_ = cells;
    if (!sameRow) {
        setMaximumHeight(heightOf(kLargestHeight));
        updateGeometry();
        layOutCells();
    }
    viewport()->update();
}

int HeatmapView::cellsLeft() const {
    return modules_->width();
}

int HeatmapView::wideHeight() const {
    return wide_.isEmpty() ? 0 : kWideGap + kWideHeight;
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
    const int rows = grid_.rowCount();
    if (columns == 0 || rows == 0) {
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
    layers_->setDefaultSectionSize(cellWidth);
    const int left = room - cellWidth * columns; // pixels that whole widths leave over
    for (int column = 0; column < left && cellWidth < kLargestWidth && column < columns; ++column) {
        layers_->resizeSection(column, cellWidth + 1);
    }
    modules_->setDefaultSectionSize(cellHeight);
    viewport()->update();
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
    const QModelIndex index = indexAt(event->pos());
    setHovered(index.isValid() ? std::optional(grid_.cellOf(index)) : std::nullopt);
}

void HeatmapView::mousePressEvent(QMouseEvent* event) {
    const QModelIndex index = indexAt(event->pos());
    pressed_ = event->button() == Qt::LeftButton && index.isValid()
                   ? std::optional(grid_.cellOf(index))
                   : std::nullopt;
    QTableView::mousePressEvent(event);
}

void HeatmapView::mouseReleaseEvent(QMouseEvent* event) {
    QTableView::mouseReleaseEvent(event);
    const QModelIndex index = indexAt(event->pos());
    if (pressed_ && index.isValid() && grid_.cellOf(index) == *pressed_) {
        pin(pinned_ == pressed_ ? std::nullopt : pressed_);
    }
    pressed_.reset();
}

void HeatmapView::leaveEvent(QEvent* event) {
    QTableView::leaveEvent(event);
    setHovered(std::nullopt);
}

void HeatmapView::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Escape && pinned_) {
        pin(std::nullopt);
        return;
    }
    if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) &&
        currentIndex().isValid()) {
        const Cell cell = grid_.cellOf(currentIndex());
        pin(pinned_ == cell ? std::nullopt : std::optional(cell));
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
    if (pinned_ && current.isValid() && !pressed_ && hasFocus()) {
        pinned_ = grid_.cellOf(current); // the keyboard carries the pin along
        Q_EMIT cellPinned(pinned_);
    }
    viewport()->update();
    tellShown();
}

void HeatmapView::setHovered(std::optional<Cell> cell) {
    if (hovered_ == cell) {
        return;
    }
    hovered_ = cell;
    layers_->setMarked(cell ? cell->layer : -1);
    modules_->setMarked(cell ? static_cast<int>(cell->module) : -1);
    viewport()->update();
    tellShown();
}

void HeatmapView::tellShown() {
    const std::optional<Cell> now = shownCell();
    if (shown_ != now) {
        shown_ = now;
        Q_EMIT cellShown(now);
    }
}

void HeatmapView::paintEvent(QPaintEvent* event) {
    QTableView::paintEvent(event);
    if (grid_.rowCount() == 0) {
        return;
    }
    QPainter painter(viewport());
    paintWideCells(painter);
    const Theme& theme = Theme::current();
    if (hovered_) {
        paintCrosshair(painter, *hovered_);
        paintFrame(painter, *hovered_, theme.color(Token::Text));
    }
    if (hasFocus() && currentIndex().isValid()) {
        paintFrame(painter, grid_.cellOf(currentIndex()), theme.color(Token::Text));
    }
    if (pinned_) {
        paintFrame(painter, *pinned_, theme.color(Token::Accent));
    }
}

QRect HeatmapView::wideArea(qsizetype index) const {
    const int width = qMin(viewport()->width(), layers_->length());
    const auto edge = [&](qsizetype at) {
        return static_cast<int>(at * width / qMax<qsizetype>(1, wide_.size()));
    };
    const int top = modules_->length() - modules_->offset() + kWideGap;
    return {edge(index), top, edge(index + 1) - edge(index) - 1, kWideHeight};
}

void HeatmapView::paintWideCells(QPainter& painter) const {
    const Theme& theme = Theme::current();
    painter.setFont(font());
    for (qsizetype at = 0; at < wide_.size(); ++at) {
        const QRect area = wideArea(at);
        painter.fillRect(area, mix(theme.color(Token::Panel), theme.color(Token::Line), 0.4));
        painter.setPen(theme.color(Token::Secondary));
        painter.drawText(area, Qt::AlignCenter,
                         painter.fontMetrics().elidedText(wide_[at].text, Qt::ElideRight,
                                                          area.width() - kSpaceSmall));
    }
}

bool HeatmapView::viewportEvent(QEvent* event) {
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        for (qsizetype at = 0; at < wide_.size(); ++at) {
            if (wideArea(at).contains(help->pos())) {
                QToolTip::showText(help->globalPos(), wide_[at].toolTip, viewport());
                return true;
            }
        }
    }
    return QTableView::viewportEvent(event);
}

void HeatmapView::paintCrosshair(QPainter& painter, Cell cell) const {
    const QRect area = visualRect(grid_.indexOf(cell)).adjusted(0, 0, -1, -1);
    const int right = layers_->length() - layers_->offset() - 1;
    const int bottom = static_cast<int>(kModules.size()) * modules_->defaultSectionSize() - 1;
    QColor line = Theme::current().color(Token::Text);
    line.setAlphaF(0.35F);
    painter.setPen(line);
    for (const int y : {area.top(), area.bottom()}) {
        painter.drawLine(0, y, right, y);
    }
    for (const int x : {area.left(), area.right()}) {
        painter.drawLine(x, 0, x, bottom);
    }
}

void HeatmapView::paintFrame(QPainter& painter, Cell cell, const QColor& color) const {
    const QRect area = visualRect(grid_.indexOf(cell)).adjusted(0, 0, -1, -1);
    painter.setPen(QPen(Theme::current().color(Token::Window), 1));
    painter.drawRect(area.adjusted(1, 1, -2, -2));
    painter.setPen(QPen(color, 2));
    painter.drawRect(area.adjusted(0, 0, 0, 0));
}

void HeatmapView::contextMenuEvent(QContextMenuEvent* event) {
    const QModelIndex index = indexAt(event->pos());
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    if (index.isValid()) {
        const Cell cell = grid_.cellOf(index);
        menu->addAction(
            icon(u"pin"_s), pinned_ == cell ? tr("Unpin cell") : tr("Pin cell"), this,
            [this, cell] { pin(pinned_ == cell ? std::nullopt : std::optional(cell)); });
        menu->addAction(icon(u"copy"_s), tr("Copy cell"), this, [index] {
            QGuiApplication::clipboard()->setText(index.data(Qt::ToolTipRole).toString());
        });
    }
    menu->addAction(tr("Copy all values"), this,
                    [this] { QGuiApplication::clipboard()->setText(grid_.csv()); });
    menu->addSeparator();
    menu->addAction(icon(u"export"_s), tr("Export as CSV…"), this, &HeatmapView::exportCsv);
    menu->addAction(tr("Export as PNG…"), this, &HeatmapView::exportPicture);
    menu->addSeparator();
    menu->addAction(icon(u"refresh"_s), tr("Reset zoom"), this, &HeatmapView::resetZoom)
        ->setEnabled(zoom_ > 1);
    menu->popup(event->globalPos());
}

void HeatmapView::exportCsv() {
    saveFile(this, {tr("Export the heatmap"),
                    u"heatmap.csv"_s,
                    {tr("Comma-separated values (*.csv)")},
                    [this](const QString&) { return grid_.csv().toUtf8(); }});
}

void HeatmapView::exportPicture() {
    saveFile(this, {tr("Export the heatmap"),
                    u"heatmap.png"_s,
                    {tr("PNG image (*.png)")},
                    [this](const QString&) {
                        QByteArray bytes;
                        QBuffer buffer(&bytes);
                        buffer.open(QIODevice::WriteOnly);
                        grab().save(&buffer, "PNG");
                        return bytes;
                    }});
}

} // namespace caldera::studio
