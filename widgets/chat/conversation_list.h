// The list of conversations: find, begin, rename, delete with a way back.
#pragma once

#include <QAbstractListModel>
#include <QHash>
#include <QWidget>

#include "widgets/chat/conversation.h"

class QLineEdit;
class QListView;
class QLabel;

namespace caldera::studio {

/// Conversations newest first, filtered by a text; fed by values.
class ConversationModel : public QAbstractListModel {
    Q_OBJECT
public:
    enum Role { IdRole = Qt::UserRole };

    using QAbstractListModel::QAbstractListModel;

    void setAll(const QList<Conversation>& conversations);
    /// Adds it, or takes its new values and place.
    void put(const Conversation& conversation);
    void remove(const QString& id);
    void setFilter(const QString& text);
    int rowOf(const QString& id) const;
    bool isFiltered() const { return !filter_.isEmpty(); }

    int rowCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;

Q_SIGNALS:
    void renamed(const QString& id, const QString& title);

private:
    bool passes(const Conversation& conversation) const;
    /// Where it belongs among the others that are shown.
    int placeOf(const Conversation& conversation) const;
    void hide(int row); ///< of the shown ones; none is -1

    QHash<QString, Conversation> all_;
    QStringList shown_;
    QString filter_;
};

class ConversationList : public QWidget {
    Q_OBJECT
public:
    explicit ConversationList(QWidget* parent = nullptr);

    ConversationModel* model() const { return model_; }
    QLineEdit* search() const { return search_; }
    /// Marks a conversation without asking to open it; an empty id marks none.
    void mark(const QString& id);
    /// Says that it was deleted and offers to take that back.
    void offerUndo(const Conversation& conversation);

Q_SIGNALS:
    void newRequested();
    void openRequested(const QString& id);
    void renamed(const QString& id, const QString& title);
    void deleteRequested(const QString& id);
    void restoreRequested(const Conversation& conversation);
    void copyRequested(const QString& id);
    void exportRequested(const QString& id);

protected:
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    QString currentId() const;
    void showMenu(const QPoint& position);
    void updateEmptyText();

    ConversationModel* model_;
    QLineEdit* search_;
    QListView* view_;
    QLabel* none_;
    QWidget* undo_;
    QLabel* undoText_;
    Conversation deleted_;
    bool marking_ = false;
};

} // namespace caldera::studio
