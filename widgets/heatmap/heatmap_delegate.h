// Paints one cell of the heatmap: colour by metric, settings as text or glyph, marks for states.
// Embeddings and head, below the layers, are plain with their words.
#pragma once

#include <QColor>
#include <QStyledItemDelegate>

namespace caldera::studio {

/// The mark of a cell that surprises: a triangle of this size about its middle, up for an error
/// larger than expected.
void paintSurprise(QPainter& painter, const QPointF& middle, double size, int direction,
                   const QColor& ink);

/// Lines over an area at 45 degrees, for what is not measured or not compressed.
void paintHatch(QPainter& painter, const QRect& area, const QColor& background, const QColor& line,
                bool crossed);

/// The colour of a place on the ramp: from calm to fragile, or, diverging, from better to worse.
QColor scaleColor(double position, bool diverging);

class HeatmapDelegate : public QStyledItemDelegate {
    Q_OBJECT
public:
    /// From this width on a cell shows "2/64"; below, one digit and a bar for the rank.
    static constexpr int kTextWidth = 28;

    /// Between the last module and the row of embeddings and head, which has it above its cells.
    static constexpr int kWideGap = 4;

    using QStyledItemDelegate::QStyledItemDelegate;
    /// Width of the narrowest cells: all cells show as much as those have room for.
    void setCellWidth(int width) { cellWidth_ = width; }
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override;

private:
    int cellWidth_ = kTextWidth;
};

} // namespace caldera::studio
