#include "widgets/support/command_palette.h"

#include <QAction>
#include <QKeyEvent>
#include <QLineEdit>
#include <QListView>
#include <QMenu>
#include <QPainter>
#include <QStandardItemModel>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kWidth = 520;
constexpr int kRows = 11;
constexpr int kRowHeight = 30;
constexpr int kActionRole = Qt::UserRole + 1;
constexpr int kShortcutRole = Qt::UserRole + 2;

/// Text on the left, shortcut on the right.
class CommandDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        QStyledItemDelegate::paint(painter, option, index);
        painter->save();
        painter->setFont(Theme::current().numberFont(-1));
        painter->setPen(Theme::current().color(Token::Secondary));
        painter->drawText(option.rect.adjusted(0, 0, -kSpaceMedium, 0),
                          Qt::AlignVCenter | Qt::AlignRight, index.data(kShortcutRole).toString());
        painter->restore();
    }

    QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
        return {kWidth, kRowHeight};
    }
};

QString nameOf(const QAction& action) {
    QString name = action.property("commandName").toString();
    if (name.isEmpty()) {
        name = action.text();
    }
    return name.remove(u'&');
}

} // namespace

int fuzzyScore(const QString& pattern, const QString& text) {
    int score = 0;
    qsizetype at = 0;
    qsizetype last = -2;
    for (const QChar letter : pattern) {
        if (letter.isSpace()) {
            continue;
        }
        const qsizetype found = text.indexOf(letter, at, Qt::CaseInsensitive);
        if (found < 0) {
            return -1;
        }
        const bool begins = found == 0 || !text[found - 1].isLetterOrNumber();
        score += found == last + 1 ? 4 : begins ? 3 : 1;
        last = found;
        at = found + 1;
    }
    return score * 100 - static_cast<int>(text.size());
}

CommandPalette::CommandPalette(QWidget* window)
    : QFrame(window, Qt::Popup | Qt::FramelessWindowHint), filter_(new QLineEdit(this)),
      list_(new QListView(this)), model_(new QStandardItemModel(this)) {
    setObjectName(u"commandPalette"_s);
    setFixedWidth(kWidth);
    filter_->setPlaceholderText(tr("Type a command"));
    filter_->setAccessibleName(tr("Command"));
    filter_->installEventFilter(this);
    list_->setModel(model_);
    list_->setItemDelegate(new CommandDelegate(this));
    list_->setFrameShape(QFrame::NoFrame);
    list_->setFocusPolicy(Qt::NoFocus);
    list_->setEditTriggers(QAbstractItemView::NoEditTriggers);
    list_->setUniformItemSizes(true);
    list_->setAccessibleName(tr("Commands"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceSmall, kSpaceSmall, kSpaceSmall, kSpaceSmall);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(filter_);
    layout->addWidget(list_);
    connect(filter_, &QLineEdit::textChanged, this, &CommandPalette::fill);
    connect(filter_, &QLineEdit::returnPressed, this, &CommandPalette::runCurrent);
    connect(list_, &QListView::clicked, this, &CommandPalette::runCurrent);
}

void CommandPalette::open(const QList<QAction*>& actions) {
    actions_.clear();
    for (QAction* action : actions) {
        if (!action->isSeparator() && action->menu() == nullptr && !nameOf(*action).isEmpty()) {
            actions_.append(action);
        }
    }
    filter_->clear();
    fill();
    const QWidget* window = parentWidget();
    list_->setFixedHeight(kRows * kRowHeight);
    adjustSize();
    move(window->mapToGlobal(QPoint((window->width() - width()) / 2, window->height() / 8)));
    show();
    filter_->setFocus();
}

void CommandPalette::fill() {
    std::vector<std::pair<int, QAction*>> ranked;
    for (const QPointer<QAction>& action : std::as_const(actions_)) {
        const int score = action ? fuzzyScore(filter_->text(), nameOf(*action)) : -1;
        if (action && (score >= 0 || filter_->text().trimmed().isEmpty())) {
            ranked.emplace_back(filter_->text().trimmed().isEmpty() ? 0 : score, action.data());
        }
    }
    std::stable_sort(ranked.begin(), ranked.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    model_->clear();
    for (const auto& [score, action] : ranked) {
        auto* item = new QStandardItem(action->icon(), nameOf(*action));
        item->setEnabled(action->isEnabled());
        item->setData(QVariant::fromValue(static_cast<QObject*>(action)), kActionRole);
        item->setData(action->shortcut().toString(QKeySequence::NativeText), kShortcutRole);
        item->setToolTip(action->toolTip());
        model_->appendRow(item);
    }
    list_->setCurrentIndex(model_->index(0, 0));
}

void CommandPalette::runCurrent() {
    const QModelIndex current = list_->currentIndex();
    const QPointer<QAction> action =
        qobject_cast<QAction*>(current.data(kActionRole).value<QObject*>());
    if (!action || !action->isEnabled()) {
        return;
    }
    hide();
    action->trigger();
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event) {
    if (watched == filter_ && event->type() == QEvent::KeyPress) {
        const auto* key = static_cast<QKeyEvent*>(event);
        const int step = key->key() == Qt::Key_Down       ? 1
                         : key->key() == Qt::Key_Up       ? -1
                         : key->key() == Qt::Key_PageDown ? kRows
                         : key->key() == Qt::Key_PageUp   ? -kRows
                                                          : 0;
        if (step != 0 && model_->rowCount() > 0) {
            const int row = qBound(0, list_->currentIndex().row() + step, model_->rowCount() - 1);
            list_->setCurrentIndex(model_->index(row, 0));
            return true;
        }
    }
    return QFrame::eventFilter(watched, event);
}

void CommandPalette::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const Theme& theme = Theme::current();
    painter.fillRect(rect(), theme.color(Token::Panel));
    painter.setPen(theme.color(Token::Line));
    painter.drawRect(rect().adjusted(0, 0, -1, -1));
}

} // namespace caldera::studio
