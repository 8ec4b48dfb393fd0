// The list of conversations: find, begin, rename, delete with a way back.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include <QAbstractListModel>
#include <QHash>
#include <QWidget>

#include "widgets/chat/conversation.h"

class QLineEdit;
class QListView;
class QLabel;

namespace caldera::studio {

/// Conversations that hold a text, and the last message on screen in each that does (empty: it is
/// in the title, or in another version). Looks at every word that was ever said; stops early, with
/// what it has, when `isCurrent` says no.
QHash<QString, QString> conversationsWith(const QString& text,
                                          const QList<Conversation>& conversations,
                                          const std::function<bool()>& isCurrent = {});

/// Conversations newest first, or those of them that a search found; fed by values.
class ConversationModel : public QAbstractListModel {
    Q_OBJECT
public:
    enum Role { IdRole = Qt::UserRole };

    using QAbstractListModel::QAbstractListModel;

    void setAll(const QList<Conversation>& conversations);
    /// Adds it, or takes its new values and place.
    void put(const Conversation& conversation);
    void remove(const QString& id);
    /// Shows only what conversationsWith() found; an empty text shows all.
    void setFilter(const QString& text, const QHash<QString, QString>& found = {});
    QList<Conversation> all() const { return all_.values(); }
    /// The message that the search found in a conversation; empty: none.
    QString foundIn(const QString& id) const { return found_.value(id); }
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
    QHash<QString, QString> found_;
};

class ConversationList : public QWidget {
    Q_OBJECT
public:
    explicit ConversationList(QWidget* parent = nullptr);

    ConversationModel* model() const { return model_; }
    QLineEdit* search() const { return search_; }
    /// Marks a conversation without asking to open it; an empty id marks none.
    void mark(const QString& id);
    /// Says how many there are that this studio cannot read; none: nothing is said.
    void showNewer(int count);
    QLabel* newer() const { return newer_; }
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
    QLayout* buildBar();
    void prepareView();
    void buildUndo();
    QString currentId() const;
    void find(const QString& text);
    void showFound(const QString& text, const QHash<QString, QString>& found);
    void showMenu(const QPoint& position);
    void updateEmptyText();

    ConversationModel* model_;
    QLineEdit* search_;
    QListView* view_;
    QLabel* none_;
    QLabel* newer_;
    QWidget* undo_;
    QLabel* undoText_;
    Conversation deleted_;
    bool marking_ = false;
    std::shared_ptr<std::atomic<int>> searches_; ///< begun; those at work look whether they count
};

} // namespace caldera::studio
