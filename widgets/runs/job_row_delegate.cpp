#include "widgets/runs/job_row_delegate.h"

#include <QApplication>
#include <QPainter>

#include "widgets/runs/jobs_model.h"
#include "widgets/runs/phase_look.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

namespace {

constexpr int kRowHeight = 32;
constexpr int kIconSize = 16;
constexpr int kBarHeight = 4;
constexpr int kPercentWidth = 44;

} // namespace

void paintBar(QPainter* painter, const QRectF& area, double fraction, const QColor& fill) {
    const double radius = area.height() / 2;
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(Qt::NoPen);
    painter->setBrush(Theme::current().color(Token::Line));
    painter->drawRoundedRect(area, radius, radius);
    if (fraction > 0) {
        QRectF done = area;
        done.setWidth(qMax(area.height(), area.width() * qMin(fraction, 1.0)));
        painter->setBrush(fill);
        painter->drawRoundedRect(done, radius, radius);
    }
    painter->restore();
}

void JobRowDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                           const QModelIndex& index) const {
    const int column = index.column();
    if (column != JobsModel::State && column != JobsModel::ProgressColumn) {
        QStyleOptionViewItem plain = option;
        const Theme& theme = Theme::current();
        if (column != JobsModel::Title)
            plain.palette.setColor(QPalette::Text, theme.color(Token::Secondary));
        if (column != JobsModel::Title && column != JobsModel::Machine)
            plain.font = theme.numberFont();
        plain.textElideMode = Qt::ElideMiddle;
        QStyledItemDelegate::paint(painter, plain, index);
        return;
    }
    QStyleOptionViewItem background = option;
    initStyleOption(&background, index);
    background.text.clear();
    background.icon = {};
    const QStyle* style = option.widget ? option.widget->style() : QApplication::style();
    style->drawControl(QStyle::CE_ItemViewItem, &background, painter, option.widget);
    const QRect area = option.rect.adjusted(kSpaceSmall, 0, -kSpaceSmall, 0);
    if (column == JobsModel::State)
        paintState(painter, area, index);
    else
        paintProgress(painter, area, index);
}

void JobRowDelegate::paintState(QPainter* painter, const QRect& area, const QModelIndex& index) {
    const PhaseLook look = phaseLook(index.data(JobsModel::PhaseRole).toString());
    const QColor color = Theme::current().color(look.tone);
    const QPixmap picture =
        iconPixmap(look.icon, color, kIconSize, painter->device()->devicePixelRatioF());
    painter->drawPixmap(area.left(), area.center().y() - kIconSize / 2 + 1, picture);
    painter->save();
    painter->setPen(color);
    const QRect text = area.adjusted(kIconSize + kSpaceSmall, 0, 0, 0);
    painter->drawText(text, Qt::AlignVCenter | Qt::AlignLeft,
                      painter->fontMetrics().elidedText(look.word, Qt::ElideRight, text.width()));
    painter->restore();
}

void JobRowDelegate::paintProgress(QPainter* painter, const QRect& area, const QModelIndex& index) {
    const QString percent = index.data(Qt::DisplayRole).toString();
    if (percent.isEmpty())
        return;
    const Theme& theme = Theme::current();
    const bool active = index.data(JobsModel::ActiveRole).toBool();
    const QRect bar = area.adjusted(0, 0, -kPercentWidth - kSpaceSmall, 0);
    if (bar.width() > kSpaceHuge)
        paintBar(
            painter,
            QRectF(bar.left(), bar.center().y() - kBarHeight / 2.0 + 1, bar.width(), kBarHeight),
            index.data(JobsModel::FractionRole).toDouble(),
            theme.color(active ? Token::Accent : Token::Good));
    painter->save();
    painter->setFont(theme.numberFont());
    painter->setPen(theme.color(active ? Token::Text : Token::Secondary));
    painter->drawText(area, Qt::AlignVCenter | Qt::AlignRight, percent);
    painter->restore();
}

QSize JobRowDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const {
    QSize size = QStyledItemDelegate::sizeHint(option, index);
    size.setHeight(kRowHeight);
    if (index.column() == JobsModel::State)
        size.rwidth() += kIconSize + kSpaceLarge;
    return size;
}

} // namespace caldera::studio
