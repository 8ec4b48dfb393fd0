// Draws the state and the progress of a job in the table.
#pragma once

#include <QStyledItemDelegate>

namespace caldera::studio {

class JobRowDelegate : public QStyledItemDelegate {
    Q_OBJECT
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override;
    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;

private:
    static void paintState(QPainter* painter, const QRect& area, const QModelIndex& index);
    static void paintProgress(QPainter* painter, const QRect& area, const QModelIndex& index);
};

/// A bar of `height` pixels, filled to `fraction` (0 .. 1).
void paintBar(QPainter* painter, const QRectF& area, double fraction, const QColor& fill);

} // namespace caldera::studio
