#include "widgets/chat/conversation_list.h"

#include <algorithm>

#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QMenu>
#include <QPainter>
#include <QPushButton>
#include <QStyledItemDelegate>
#include <QTimer>
#include <QToolButton>
#include <QVBoxLayout>
#include <QtConcurrent>

#include "widgets/support/icon_button.h"
#include "widgets/support/labels.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kUndoTime = 10000; // ms
constexpr int kRowHeight = 32;

/// One line with room at both sides.
class TitleDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override {
        return {QStyledItemDelegate::sizeHint(option, index).width(), kRowHeight};
    }
    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        QStyleOptionViewItem background = option;
        initStyleOption(&background, index);
        background.text.clear();
        option.widget->style()->drawControl(QStyle::CE_ItemViewItem, &background, painter,
                                            option.widget);
        const QRect area = option.rect.adjusted(kSpaceMedium, 0, -kSpaceSmall, 0);
        painter->setPen(Theme::current().color(Token::Text));
        painter->setFont(option.font);
        painter->drawText(
            area, Qt::AlignVCenter | Qt::AlignLeft,
            option.fontMetrics.elidedText(index.data().toString(), Qt::ElideRight, area.width()));
    }
    void updateEditorGeometry(QWidget* editor, const QStyleOptionViewItem& option,
                              const QModelIndex&) const override {
        editor->setGeometry(option.rect.adjusted(kSpaceTiny, 2, -kSpaceTiny, -2));
    }
};

} // namespace

QHash<QString, QString> conversationsWith(const QString& text,
                                          const QList<Conversation>& conversations,
                                          const std::function<bool()>& isCurrent) {
    QHash<QString, QString> found;
    for (const Conversation& conversation : conversations) {
        if (isCurrent && !isCurrent())
            break;
        if (conversation.matches(text))
            found.insert(conversation.id, conversation.lastWith(text));
    }
    return found;
}

/// One that changed since the search is found by its title alone.
bool ConversationModel::passes(const Conversation& conversation) const {
    return filter_.isEmpty() || found_.contains(conversation.id) ||
           conversation.title.contains(filter_, Qt::CaseInsensitive);
}

void ConversationModel::setAll(const QList<Conversation>& conversations) {
    beginResetModel();
    all_.clear();
    shown_.clear();
    for (const Conversation& conversation : conversations) {
        all_.insert(conversation.id, conversation);
        if (passes(conversation))
            shown_.append(conversation.id);
    }
    std::sort(shown_.begin(), shown_.end(), [this](const QString& a, const QString& b) {
        return all_[a].updated > all_[b].updated;
    });
    endResetModel();
}

int ConversationModel::placeOf(const Conversation& conversation) const {
    int place = 0;
    for (const QString& other : shown_) {
        if (other == conversation.id)
            continue;
        if (all_.constFind(other)->updated <= conversation.updated)
            break;
        ++place;
    }
    return place;
}

void ConversationModel::put(const Conversation& conversation) {
    const int row = rowOf(conversation.id);
    const bool touched = row < 0 || all_[conversation.id].updated != conversation.updated;
    all_[conversation.id] = conversation;
    if (!passes(conversation)) {
        hide(row);
        return;
    }
    const int place = touched ? placeOf(conversation) : row;
    if (row < 0) {
        beginInsertRows({}, place, place);
        shown_.insert(place, conversation.id);
        endInsertRows();
        return;
    }
    if (place != row) {
        // Qt counts the place to move to before the row has left its own.
        beginMoveRows({}, row, row, {}, place > row ? place + 1 : place);
        shown_.move(row, place);
        endMoveRows();
    }
    Q_EMIT dataChanged(index(place), index(place));
}

void ConversationModel::hide(int row) {
    if (row < 0)
        return;
    beginRemoveRows({}, row, row);
    shown_.removeAt(row);
    endRemoveRows();
}

void ConversationModel::remove(const QString& id) {
    hide(rowOf(id));
    all_.remove(id);
}

void ConversationModel::setFilter(const QString& text, const QHash<QString, QString>& found) {
    filter_ = text;
    found_ = found;
    setAll(all_.values());
}

int ConversationModel::rowOf(const QString& id) const {
    return static_cast<int>(shown_.indexOf(id));
}

int ConversationModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(shown_.size());
}

QVariant ConversationModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= shown_.size())
        return {};
    const QString& id = shown_[index.row()];
    const Conversation& conversation = *all_.constFind(id);
    switch (role) {
    case Qt::DisplayRole:
    case Qt::EditRole:
        return conversation.title;
    case Qt::ToolTipRole:
        return tr("%1\n%2").arg(
            conversation.title,
            QLocale().toString(conversation.updated.toLocalTime(), QLocale::ShortFormat));
    case IdRole:
        return id;
    default:
        return {};
    }
}

bool ConversationModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    const QString title = value.toString().simplified();
    if (role != Qt::EditRole || !index.isValid() || title.isEmpty())
        return false;
    Conversation& conversation = all_[shown_[index.row()]];
    if (conversation.title == title)
        return false;
    conversation.title = title;
    conversation.titled = true;
    Q_EMIT dataChanged(index, index);
    Q_EMIT renamed(conversation.id, title);
    return true;
}

Qt::ItemFlags ConversationModel::flags(const QModelIndex& index) const {
    const Qt::ItemFlags flags = QAbstractListModel::flags(index);
    return index.isValid() ? flags | Qt::ItemIsEditable : flags;
}

ConversationList::ConversationList(QWidget* parent)
    : QWidget(parent), model_(new ConversationModel(this)), search_(new QLineEdit(this)),
      view_(new QListView(this)), none_(new ToneLabel({}, Token::Secondary, this)),
      newer_(new ToneLabel({}, Token::Secondary, this)), undo_(new QWidget(this)),
      undoText_(new ToneLabel({}, Token::Secondary, undo_)),
      searches_(std::make_shared<std::atomic<int>>(0)) {
    none_->setAlignment(Qt::AlignHCenter | Qt::AlignTop);
    none_->setWordWrap(true);
    newer_->setWordWrap(true);
    newer_->setContentsMargins(kSpaceMedium, kSpaceSmall, kSpaceSmall, kSpaceSmall);
    newer_->hide();
    prepareView();
    buildUndo();
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(buildBar());
    layout->addWidget(none_);
    layout->addWidget(view_, 1);
    layout->addWidget(newer_);
    layout->addWidget(undo_);
    connect(model_, &ConversationModel::renamed, this, &ConversationList::renamed);
    connect(model_, &QAbstractItemModel::modelReset, this, &ConversationList::updateEmptyText);
    connect(model_, &QAbstractItemModel::rowsInserted, this, &ConversationList::updateEmptyText);
    connect(model_, &QAbstractItemModel::rowsRemoved, this, &ConversationList::updateEmptyText);
    updateEmptyText();
}

QLayout* ConversationList::buildBar() {
    search_->setPlaceholderText(tr("Search"));
    search_->setAccessibleName(tr("Search conversations"));
    search_->setClearButtonEnabled(true);
    search_->addAction(icon(u"search"_s), QLineEdit::LeadingPosition);
    QToolButton* add = iconButton(u"plus"_s, tr("New conversation (Ctrl+N)"), this);
    add->setAccessibleName(tr("New conversation"));
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(kSpaceSmall, kSpaceSmall, kSpaceSmall, kSpaceSmall);
    bar->setSpacing(kSpaceTiny);
    bar->addWidget(search_, 1);
    bar->addWidget(add);
    connect(add, &QToolButton::clicked, this, &ConversationList::newRequested);
    connect(search_, &QLineEdit::textChanged, this, &ConversationList::find);
    return bar;
}

void ConversationList::prepareView() {
    view_->setModel(model_);
    view_->setItemDelegate(new TitleDelegate(view_));
    view_->setFrameShape(QFrame::NoFrame);
    view_->setUniformItemSizes(true);
    view_->setEditTriggers(QAbstractItemView::EditKeyPressed);
    view_->setContextMenuPolicy(Qt::CustomContextMenu);
    view_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    view_->setAccessibleName(tr("Conversations"));
    view_->viewport()->setAutoFillBackground(false);
    view_->installEventFilter(this);
    connect(view_->selectionModel(), &QItemSelectionModel::currentChanged, this,
            [this](const QModelIndex& current) {
                if (!marking_ && current.isValid())
                    Q_EMIT openRequested(current.data(ConversationModel::IdRole).toString());
            });
    connect(view_, &QListView::customContextMenuRequested, this, &ConversationList::showMenu);
}

void ConversationList::buildUndo() {
    undoText_->setWordWrap(true);
    auto* back = new QPushButton(tr("Undo"), undo_);
    back->setFlat(true);
    auto* undoLayout = new QHBoxLayout(undo_);
    undoLayout->setContentsMargins(kSpaceMedium, kSpaceTiny, kSpaceSmall, kSpaceSmall);
    undoLayout->addWidget(undoText_, 1);
    undoLayout->addWidget(back);
    undo_->hide();
    connect(back, &QPushButton::clicked, this, [this] {
        undo_->hide();
        Q_EMIT restoreRequested(deleted_);
    });
}

/// All that was ever said may be many megabytes, so another thread looks through it.
void ConversationList::find(const QString& typed) {
    const QString text = typed.trimmed();
    const int number = ++*searches_;
    if (text.isEmpty())
        return showFound({}, {});
    QtConcurrent::run([text, all = model_->all(), number, searches = searches_] {
        return conversationsWith(text, all, [&] { return *searches == number; });
    }).then(this, [this, text, number](const QHash<QString, QString>& found) {
        if (*searches_ == number)
            showFound(text, found);
    });
}

void ConversationList::showFound(const QString& text, const QHash<QString, QString>& found) {
    const QString open = currentId();
    model_->setFilter(text, found);
    mark(open);
    updateEmptyText();
}

void ConversationList::updateEmptyText() {
    const bool empty = model_->rowCount() == 0;
    none_->setVisible(empty);
    none_->setText(model_->isFiltered() ? tr("Nothing found.") : tr("Conversations appear here."));
    none_->setContentsMargins(kSpaceSmall, kSpaceMedium, kSpaceSmall, 0);
}

void ConversationList::showNewer(int count) {
    newer_->setText(tr("%n conversation(s) of a newer studio: not listed, and kept as they are. "
                       "Install that one to read them.",
                       nullptr, count));
    newer_->setVisible(count > 0);
}

QString ConversationList::currentId() const {
    return view_->currentIndex().data(ConversationModel::IdRole).toString();
}

void ConversationList::mark(const QString& id) {
    marking_ = true;
    const int row = model_->rowOf(id);
    view_->setCurrentIndex(row >= 0 ? model_->index(row) : QModelIndex());
    if (row < 0)
        view_->clearSelection();
    marking_ = false;
}

void ConversationList::offerUndo(const Conversation& conversation) {
    deleted_ = conversation;
    undoText_->setText(tr("Deleted."));
    undoText_->setToolTip(conversation.title);
    undo_->show();
    const QString id = conversation.id;
    QTimer::singleShot(kUndoTime, undo_, [this, id] {
        if (deleted_.id == id)
            undo_->hide();
    });
}

bool ConversationList::eventFilter(QObject* object, QEvent* event) {
    if (event->type() == QEvent::KeyPress && !currentId().isEmpty()) {
        const auto* key = static_cast<QKeyEvent*>(event);
        if (key->key() == Qt::Key_Delete) {
            Q_EMIT deleteRequested(currentId());
            return true;
        }
    }
    return QWidget::eventFilter(object, event);
}

void ConversationList::showMenu(const QPoint& position) {
    const QModelIndex index = view_->indexAt(position);
    if (!index.isValid())
        return;
    const QString id = index.data(ConversationModel::IdRole).toString();
    QMenu menu(this);
    menu.addAction(icon(u"edit"_s), tr("Rename"), view_,
                   [this, id] { view_->edit(model_->index(model_->rowOf(id))); });
    menu.addAction(icon(u"copy"_s), tr("Copy as Markdown"), this,
                   [this, id] { Q_EMIT copyRequested(id); });
    menu.addAction(icon(u"export"_s), tr("Export…"), this,
                   [this, id] { Q_EMIT exportRequested(id); });
    menu.addSeparator();
    menu.addAction(icon(u"trash"_s), tr("Delete"), this,
                   [this, id] { Q_EMIT deleteRequested(id); });
    menu.exec(view_->viewport()->mapToGlobal(position));
}

} // namespace caldera::studio
