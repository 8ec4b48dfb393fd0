#include "widgets/model_view/recent_list.h"

#include <QClipboard>
#include <QContextMenuEvent>
#include <QGuiApplication>
#include <QKeyEvent>
#include <QLocale>
#include <QMenu>
#include <QPainter>

#include "core/model/module.h"
#include "widgets/models/recent_items.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/color_ramp.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kCardHeight = 60;
constexpr int kPictureWidth = 64;
constexpr int kIconSize = 20;
constexpr int kPictureHeight = 35; ///< seven rows of five pixels

void paintPicture(QPainter& painter, const QRect& area, const QModelIndex& index) {
    const QByteArray picture = index.data(RecentModel::PictureRole).toByteArray();
    const int layers = index.data(RecentModel::LayersRole).toInt();
    const Theme& theme = Theme::current();
    const QColor blank = mix(theme.color(Token::Panel), theme.color(Token::Line), 0.7);
    const auto modules = static_cast<int>(kModules.size());
    const bool measured = picture.count(char(-1)) < picture.size();
    if (!measured || picture.size() != static_cast<qsizetype>(layers) * modules) {
        painter.fillRect(area, blank);
        const QPixmap mark = iconPixmap(u"model"_s, theme.color(Token::Secondary), kIconSize,
                                        painter.device()->devicePixelRatioF());
        painter.drawPixmap(area.center() - QPoint(kIconSize, kIconSize) / 2, mark);
        return;
    }
    for (int module = 0; module < modules; ++module) {
        for (int layer = 0; layer < layers; ++layer) {
            const int left = area.left() + layer * area.width() / layers;
            const int right = area.left() + (layer + 1) * area.width() / layers;
            const int top = area.top() + module * area.height() / modules;
            const int bottom = area.top() + (module + 1) * area.height() / modules;
            const auto value = static_cast<uint8_t>(picture[module * layers + layer]);
            painter.fillRect(QRect(QPoint(left, top), QPoint(right - 1, bottom - 1)),
                             value == 255 ? blank : theme.sequential(value / 254.0));
        }
    }
}

} // namespace

RecentModel::RecentModel(RecentItems& items, QObject* parent)
    : QAbstractListModel(parent), items_(items) {
    connect(&items_, &RecentItems::changed, this, [this] {
        beginResetModel();
        endResetModel();
    });
}

int RecentModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(items_.items().size());
}

QVariant RecentModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) {
        return {};
    }
    const RecentItem& item = items_.items()[index.row()];
    switch (role) {
    case Qt::DisplayRole:
        return item.name;
    case Qt::ToolTipRole:
        return tr("%1\nopened %2")
            .arg(item.path, QLocale().toString(item.opened, QLocale::ShortFormat));
    case Qt::AccessibleTextRole:
        return item.name + u", "_s + data(index, DetailRole).toString();
    case PathRole:
        return item.path;
    case DetailRole:
        return item.artifact
                   ? tr("%1 bpw · %2").arg(figureText(item.bitsPerWeight), sizeText(item.bytes))
                   : tr("model · %1").arg(sizeText(item.bytes));
    case ArtifactRole:
        return item.artifact;
    case PictureRole:
        return item.picture;
    case LayersRole:
        return item.layers;
    default:
        return {};
    }
}

void RecentDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                           const QModelIndex& index) const {
    const Theme& theme = Theme::current();
    const QRect card = option.rect.adjusted(0, 0, 0, -kSpaceTiny);
    const bool active = option.state.testFlag(QStyle::State_MouseOver) ||
                        (option.state.testFlag(QStyle::State_HasFocus));
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(theme.color(active ? Token::Accent : Token::Line));
    painter->setBrush(theme.color(Token::Raised));
    painter->drawRoundedRect(QRectF(card).adjusted(0.5, 0.5, -0.5, -0.5), kRadius, kRadius);
    painter->setRenderHint(QPainter::Antialiasing, false);
    const QRect picture(card.left() + kSpaceMedium,
                        card.top() + (card.height() - kPictureHeight) / 2, kPictureWidth,
                        kPictureHeight);
    paintPicture(*painter, picture, index);
    QRect text =
        card.adjusted(kPictureWidth + 2 * kSpaceMedium, kSpaceSmall, -kSpaceMedium, -kSpaceSmall);
    painter->setPen(theme.color(Token::Text));
    painter->setFont(theme.textFont(0, QFont::DemiBold));
    painter->drawText(
        text, Qt::AlignTop | Qt::AlignLeft,
        painter->fontMetrics().elidedText(index.data().toString(), Qt::ElideMiddle, text.width()));
    painter->setPen(theme.color(Token::Secondary));
    painter->setFont(theme.textFont(-1));
    painter->drawText(
        text, Qt::AlignBottom | Qt::AlignLeft,
        painter->fontMetrics().elidedText(index.data(RecentModel::DetailRole).toString(),
                                          Qt::ElideRight, text.width()));
    painter->restore();
}

QSize RecentDelegate::sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const {
    return {200, kCardHeight + kSpaceTiny};
}

RecentList::RecentList(RecentItems& items, QWidget* parent) : QListView(parent), items_(items) {
    setObjectName(u"recentList"_s);
    setAccessibleName(tr("Recent models"));
    setModel(new RecentModel(items, this));
    setItemDelegate(new RecentDelegate(this));
    setFrameShape(QFrame::NoFrame);
    setMouseTracking(true);
    setVerticalScrollMode(QAbstractItemView::ScrollPerPixel);
    setSelectionMode(QAbstractItemView::SingleSelection);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setUniformItemSizes(true);
    connect(this, &QListView::clicked, this, &RecentList::open);
    connect(&Theme::current(), &Theme::themeChanged, viewport(), qOverload<>(&QWidget::update));
}

void RecentList::open(const QModelIndex& index) {
    Q_EMIT openRequested(index.data(RecentModel::PathRole).toString());
}

void RecentList::keyPressEvent(QKeyEvent* event) {
    const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
    if (enter && currentIndex().isValid()) {
        open(currentIndex());
        return;
    }
    QListView::keyPressEvent(event);
}

void RecentList::contextMenuEvent(QContextMenuEvent* event) {
    const QModelIndex index = indexAt(event->pos());
    if (!index.isValid()) {
        return;
    }
    const QString path = index.data(RecentModel::PathRole).toString();
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(icon(u"open"_s), tr("Open"), this,
                    [this, path] { Q_EMIT openRequested(path); });
    menu->addAction(icon(u"copy"_s), tr("Copy path"), this,
                    [path] { QGuiApplication::clipboard()->setText(path); });
    menu->addSeparator();
    menu->addAction(tr("Remove from this list"), this, [this, path] { items_.remove(path); });
    menu->popup(event->globalPos());
}

} // namespace caldera::studio
