// Recent models and artifacts as cards with a small picture of their heatmap.
#pragma once

#include <QAbstractListModel>
#include <QListView>
#include <QStyledItemDelegate>

namespace caldera::studio {

class RecentItems;
struct RecentItem;

class RecentModel : public QAbstractListModel {
    Q_OBJECT
public:
    enum Role { PathRole = Qt::UserRole + 1, DetailRole, ArtifactRole, PictureRole, LayersRole };
    explicit RecentModel(RecentItems& items, QObject* parent = nullptr);
    int rowCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role = Qt::DisplayRole) const override;

private:
    RecentItems& items_;
};

/// Paints one card.
class RecentDelegate : public QStyledItemDelegate {
    Q_OBJECT
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override;
    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

class RecentList : public QListView {
    Q_OBJECT
public:
    explicit RecentList(RecentItems& items, QWidget* parent = nullptr);

Q_SIGNALS:
    void openRequested(const QString& path);

protected:
    void contextMenuEvent(QContextMenuEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void open(const QModelIndex& index);
    RecentItems& items_;
};

} // namespace caldera::studio
