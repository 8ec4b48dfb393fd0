#include "widgets/heatmap/heatmap_delegate.h"

#include <QAbstractItemView>
#include <QPainter>

#include <algorithm>
#include <cmath>
#include <vector>

#include "widgets/models/cell_grid_model.h"
#include "widgets/theme/color_ramp.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {

constexpr int kHatchStep = 6;
constexpr int kBarHeight = 3;

/// Background of a cell and the ink on it.
struct CellColors {
    QColor fill;
    QColor ink;
};

constexpr int kDigitWidth = 8;     ///< from this width on a cell has room for a digit
constexpr int kLeastWithGap = 5;   ///< from this width on a cell can spare a pixel
constexpr int kRatioAir = 3;       ///< pixels between the ratios of neighbours
constexpr int kSmallestFont = 7;   ///< pixels
constexpr int kBesideLock = 9;     ///< from this width on a padlock stands beside the text
constexpr int kLeastOverLock = 14; ///< and from this height on in its cell
constexpr int kRampSteps = 1000;

template <class Color>
std::vector<CellColors> rampColors(Color color) {
    std::vector<CellColors> colors;
    for (int step = 0; step <= kRampSteps; ++step) {
        const QColor fill = color(static_cast<double>(step) / kRampSteps);
        colors.push_back({fill, inkOn(fill)});
    }
    return colors;
}

/// Worked out once: a repaint asks for the colours of hundreds of cells.
const std::vector<CellColors>& ramp(bool diverging) {
    const auto sequential = [](Scheme scheme) {
        return rampColors([scheme](double place) { return Theme::sequential(place, scheme); });
    };
    static const std::vector<CellColors> dark = sequential(Scheme::Dark);
    static const std::vector<CellColors> light = sequential(Scheme::Light);
    static const std::vector<CellColors> difference =
        rampColors([](double place) { return Theme::current().difference(2 * place - 1); });
    return diverging ? difference : Theme::current().scheme() == Scheme::Dark ? dark : light;
}

const CellColors& measuredColors(double position, bool diverging) {
    const double inside = position > 0 ? std::min(position, 1.0) : 0; // of no number as well
    return ramp(diverging).at(static_cast<size_t>(std::lround(inside * kRampSteps)));
}

CellColors colorsOf(const QModelIndex& index, CellState state) {
    const Theme& theme = Theme::current();
    if (state == CellState::Measured) {
        return measuredColors(index.data(CellGridModel::PositionRole).toDouble(),
                              index.data(CellGridModel::DivergingRole).toBool());
    }
    const QColor fill = mix(theme.color(Token::Panel), theme.color(Token::Line), 0.4);
    return {fill, theme.color(Token::Secondary)};
}

/// A ratio in a letter or two: ".5", "1", "3"; what is below a twentieth or above nine has a sign.
QString ratioGlyph(double ratio) {
    constexpr double kTenth = 10;
    constexpr double kNine = 9;
    if (!(ratio >= 0.05)) {
        return QStringLiteral("\u2193");
    }
    const double tenths = std::round(kTenth * ratio);
    if (tenths < kTenth) {
        return u'.' + QString::number(static_cast<int>(tenths));
    }
    return std::round(ratio) > kNine ? QStringLiteral("\u2191")
                                     : QString::number(static_cast<int>(std::round(ratio)));
}

/// What a narrow cell of a comparison says: its text belongs to its colour.
void paintRatio(QPainter& painter, const QRect& area, const QModelIndex& index,
                const CellColors& colors, bool digits) {
    if (digits) {
        painter.save();
        const int needed =
            painter.fontMetrics().horizontalAdvance(QStringLiteral(".0")) + kRatioAir;
        if (needed > area.width()) { // neighbours would read as one number
            QFont font = painter.font();
            font.setPixelSize(
                std::max(kSmallestFont, painter.fontInfo().pixelSize() * area.width() / needed));
            painter.setFont(font);
        }
        painter.setPen(colors.ink);
        painter.drawText(area, Qt::AlignCenter | Qt::TextDontClip,
                         ratioGlyph(index.data(CellGridModel::ValueRole).toDouble()));
        painter.restore();
    }
}

void paintGlyph(QPainter& painter, const QRect& area, const QModelIndex& index,
                const CellColors& colors, bool digits) {
    const double bits = index.data(CellGridModel::BitsRole).toDouble();
    const bool skipped =
        index.data(CellGridModel::StateRole).toInt() == static_cast<int>(CellState::Skipped);
    const double share = index.data(CellGridModel::RankShareRole).toDouble();
    const bool bar = share > 0 && area.height() >= 14;
    const QRect glyph = area.adjusted(0, 0, 0, bar ? -kBarHeight - 2 : 0);
    painter.setPen(colors.ink);
    if (digits && bits > 0) {
        const QString digit =
            skipped ? QStringLiteral("\u2013") : QString::number(static_cast<int>(bits));
        painter.drawText(glyph, Qt::AlignCenter, digit);
        if (!skipped && bits != std::floor(bits)) {
            painter.fillRect(QRect(glyph.center().x() + 4, glyph.center().y() + 3, 2, 2),
                             colors.ink);
        }
    }
    if (bar && !skipped) {
        const int width = qMax(1, static_cast<int>(std::lround((area.width() - 4) * share)));
        painter.fillRect(QRect(area.left() + 2, area.bottom() - kBarHeight, width, kBarHeight - 1),
                         colors.ink);
    }
}

/// A padlock, its upper left corner there.
void paintLock(QPainter& painter, const QPointF& corner, const QColor& ink) {
    painter.setPen(QPen(ink, 1.5));
    painter.setBrush(Qt::NoBrush);
    painter.drawArc(QRectF(corner + QPointF(1.75, 0.75), QSizeF(3.5, 6.5)), 0, 180 * 16);
    painter.setPen(Qt::NoPen);
    painter.setBrush(ink);
    painter.drawRoundedRect(QRectF(corner + QPointF(0, 4), QSizeF(7, 5)), 1, 1);
}

/// A padlock in the upper right corner, where what stands in the middle leaves no room a dot; in
/// the left one a corner for a codec that is not the plan's own.
void paintMarks(QPainter& painter, const QRect& area, const QModelIndex& index,
                const QString& middle, const QColor& ink) {
    painter.setRenderHint(QPainter::Antialiasing);
    if (index.data(CellGridModel::LockedRole).toBool()) {
        const int beside = (area.width() - painter.fontMetrics().horizontalAdvance(middle)) / 2;
        if (beside >= kBesideLock && area.height() >= kLeastOverLock) {
            paintLock(painter, QPointF(area.right() - 8, area.top() + 2), ink);
        } else {
            painter.setPen(Qt::NoPen);
            painter.setBrush(ink);
            painter.drawEllipse(QPointF(area.right() - 3.5, area.top() + 4.5), 2, 2);
        }
    }
    painter.setPen(Qt::NoPen);
    painter.setBrush(ink);
    if (index.data(CellGridModel::OtherCodecRole).toBool()) {
        const QPointF corner = area.topLeft();
        painter.drawPolygon(QPolygonF({corner, corner + QPointF(6, 0), corner + QPointF(0, 6)}));
    }
}

/// In the lower right corner, above the bar of the rank.
void paintSurpriseOf(QPainter& painter, const QRect& area, const QModelIndex& index,
                     const QColor& ink) {
    const int direction = index.data(CellGridModel::SurpriseRole).toInt();
    if (direction != 0) {
        const double size = std::clamp(area.width() / 2.0, 4.0, 8.0);
        paintSurprise(painter,
                      QPointF(area.right() - size / 2 - 0.5, area.bottom() - size / 2 - kBarHeight),
                      size, direction, ink);
    }
}

/// An outline where another plan has something else, with an arrow: up, this plan spends more there
/// than that one, as after a solve that gave the cell more than it had. Narrow cells have the arrow
/// alone, above their digit.
void paintOther(QPainter& painter, const QRect& area, const QModelIndex& index, const QColor& ink,
                bool wide) {
    if (index.data(CellGridModel::OtherTextRole).toString().isEmpty()) {
        return;
    }
    if (wide) {
        painter.setRenderHint(QPainter::Antialiasing, false);
        painter.setBrush(Qt::NoBrush);
        painter.setPen(QPen(ink, 1, Qt::DashLine));
        painter.drawRect(area.adjusted(2, 2, -3, -3));
    }
    const int direction = index.data(CellGridModel::OtherDirectionRole).toInt();
    if (direction == 0) {
        return;
    }
    const double x = wide ? area.left() + 7.5 : area.center().x() + 0.5;
    const double y = wide ? area.bottom() - 6.5 : area.top() + 3;
    const double tip = direction > 0 ? 1.5 : -1.5; // the direction is the other plan's
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(ink);
    painter.drawPolygon(QPolygonF({{x, y + tip}, {x - 2.5, y - tip}, {x + 2.5, y - tip}}));
}

void paintGround(QPainter& painter, const QRect& area, const CellColors& colors, CellState state) {
    if (state == CellState::Measured) {
        painter.fillRect(area, colors.fill);
        return;
    }
    const Theme& theme = Theme::current();
    paintHatch(painter, area, colors.fill,
               mix(theme.color(Token::Line), theme.color(Token::Disabled), 0.5),
               state == CellState::Skipped);
}

void paintText(QPainter& painter, const QRect& area, const QString& text, const CellColors& colors,
               CellState state) {
    if (state != CellState::Measured && !text.isEmpty()) { // clear ground under the text
        QRect plate = painter.fontMetrics().boundingRect(text);
        plate.moveCenter(area.center());
        painter.fillRect(plate.adjusted(-3, 0, 3, 0), colors.fill);
    }
    painter.setPen(colors.ink);
    painter.drawText(area, Qt::AlignCenter, text);
}

/// What the cell says where there is room for it; empty where there is not.
QString fittingText(const QPainter& painter, const QRect& area, const QModelIndex& index) {
    const QString text = index.data(Qt::DisplayRole).toString();
    return painter.fontMetrics().horizontalAdvance(text) <= area.width() - 4 ? text : QString();
}

/// Embeddings or head; their words stand in the middle of what is in sight.
void paintWideCell(QPainter& painter, const QStyleOptionViewItem& option,
                   const QModelIndex& index) {
    const Theme& theme = Theme::current();
    const QRect area = option.rect.adjusted(0, HeatmapDelegate::kWideGap, -1, 0);
    const auto* view = qobject_cast<const QAbstractItemView*>(option.widget);
    const QRect seen = view == nullptr ? area : area & view->viewport()->rect();
    painter.fillRect(area, mix(theme.color(Token::Panel), theme.color(Token::Line), 0.4));
    painter.setFont(option.font);
    painter.setPen(theme.color(Token::Secondary));
    painter.drawText(seen, Qt::AlignCenter,
                     painter.fontMetrics().elidedText(index.data().toString(), Qt::ElideRight,
                                                      seen.width() - kSpaceSmall));
}

} // namespace

QColor scaleColor(double position, bool diverging) {
    return measuredColors(position, diverging).fill;
}

void paintSurprise(QPainter& painter, const QPointF& middle, double size, int direction,
                   const QColor& ink) {
    const double tip = direction > 0 ? -size / 2 : size / 2;
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(ink);
    painter.drawPolygon(QPolygonF({middle + QPointF(0, tip), middle + QPointF(-size / 2, -tip),
                                   middle + QPointF(size / 2, -tip)}));
}

void paintHatch(QPainter& painter, const QRect& area, const QColor& background, const QColor& line,
                bool crossed) {
    painter.save();
    painter.setClipRect(area);
    painter.fillRect(area, background);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(line, 1));
    const int reach = area.width() + area.height();
    // The lines of neighbouring cells meet, since they start from multiples of the step.
    const int first = (area.left() - area.height()) / kHatchStep * kHatchStep;
    for (int x = first; x < area.left() + reach; x += kHatchStep) {
        painter.drawLine(QPointF(x, area.bottom() + 1), QPointF(x + area.height(), area.top()));
        if (crossed) {
            painter.drawLine(QPointF(x, area.top()), QPointF(x + area.height(), area.bottom() + 1));
        }
    }
    painter.restore();
}

void HeatmapDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                            const QModelIndex& index) const {
    if (!CellGridModel::cellOf(index)) {
        painter->save();
        paintWideCell(*painter, option, index);
        painter->restore();
        return;
    }
    const auto state = static_cast<CellState>(index.data(CellGridModel::StateRole).toInt());
    // Columns differ by a pixel where the width is no multiple of them: all have a gap or none.
    const int gap = cellWidth_ >= kLeastWithGap ? 1 : 0;
    const QRect area = option.rect.adjusted(0, 0, -gap, -gap);
    const CellColors colors = colorsOf(index, state);
    paintGround(*painter, area, colors, state);
    if (painter->font() != option.font) { // the painter's state is not kept for each of 560 cells
        painter->setFont(option.font);
    }
    const bool wide = cellWidth_ - gap >= kTextWidth;
    const QString text = wide ? fittingText(*painter, area, index) : QString();
    if (!text.isEmpty()) {
        paintText(*painter, area, text, colors, state);
    } else if (const bool digits = cellWidth_ - gap >= kDigitWidth;
               state == CellState::Measured && index.data(CellGridModel::DivergingRole).toBool()) {
        paintRatio(*painter, area, index, colors, digits);
    } else {
        paintGlyph(*painter, area, index, colors, digits);
    }
    paintMarks(*painter, area, index, text.isEmpty() ? QStringLiteral("0") : text, colors.ink);
    paintOther(*painter, area, index, colors.ink, wide);
    paintSurpriseOf(*painter, area, index, colors.ink);
}

} // namespace caldera::studio
