// What the heatmap paints over its cells: crosshair, frames, outlines.
#include <QPainter>

#include <set>

#include "widgets/heatmap/heatmap_delegate.h"
#include "widgets/heatmap/heatmap_headers.h"
#include "widgets/heatmap/heatmap_view.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

void HeatmapView::paintEvent(QPaintEvent* event) {
    QTableView::paintEvent(event);
    if (grid_.rowCount() == 0) {
        return;
    }
    QPainter painter(viewport());
    const Theme& theme = Theme::current();
    paintOutline(painter, selectedCells(), QPen(theme.color(Token::Accent), 2));
    paintOutline(painter, preview_, QPen(theme.color(Token::Text), 2, Qt::DotLine));
    if (hovered_) {
        paintCrosshair(painter, *hovered_);
        paintFrame(painter, frameOf(grid_.indexOf(*hovered_)), theme.color(Token::Text));
    }
    if (hasFocus() && currentIndex().isValid()) {
        paintFrame(painter, frameOf(currentIndex()), theme.color(Token::Text));
    }
    if (pinned_) {
        paintFrame(painter, frameOf(grid_.indexOf(*pinned_)), theme.color(Token::Accent));
    }
}

QRect HeatmapView::frameOf(const QModelIndex& index) const {
    const QRect area = visualRect(index).adjusted(0, 0, -1, -1);
    return grid_.wideCellOf(index) < 0 ? area : area.adjusted(0, HeatmapDelegate::kWideGap, 0, 0);
}

void HeatmapView::paintCrosshair(QPainter& painter, Cell cell) const {
    const QRect area = visualRect(grid_.indexOf(cell)).adjusted(0, 0, -1, -1);
    const int right = layers_->length() - layers_->offset() - 1;
    const int bottom = modulesBottom() - 1;
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

void HeatmapView::paintFrame(QPainter& painter, const QRect& area, const QColor& color) {
    painter.setPen(QPen(Theme::current().color(Token::Window), 1));
    painter.drawRect(area.adjusted(1, 1, -2, -2));
    painter.setPen(QPen(color, 2));
    painter.drawRect(area);
}

/// Around all cells together, on dark and on light cells to be seen.
void HeatmapView::paintOutline(QPainter& painter, const std::vector<Cell>& cells,
                               const QPen& pen) const {
    const std::set<Cell> inside(cells.begin(), cells.end());
    const auto has = [&inside](Cell cell, int right, int down) {
        const int row = static_cast<int>(cell.module) + down;
        return row >= 0 && row < static_cast<int>(kModules.size()) &&
               inside.contains({cell.layer + right, kModules.at(static_cast<size_t>(row))});
    };
    QList<QLine> edges;
    for (const Cell cell : cells) {
        const QRect area = visualRect(grid_.indexOf(cell)).adjusted(0, 0, -1, -1);
        if (!has(cell, 0, -1)) {
            edges.append(QLine(area.topLeft(), area.topRight()));
        }
        if (!has(cell, 0, 1)) {
            edges.append(QLine(area.bottomLeft(), area.bottomRight()));
        }
        if (!has(cell, -1, 0)) {
            edges.append(QLine(area.topLeft(), area.bottomLeft()));
        }
        if (!has(cell, 1, 0)) {
            edges.append(QLine(area.topRight(), area.bottomRight()));
        }
    }
    painter.setPen(QPen(Theme::current().color(Token::Window), pen.width() + 2));
    painter.drawLines(edges);
    painter.setPen(pen);
    painter.drawLines(edges);
}

} // namespace caldera::studio
