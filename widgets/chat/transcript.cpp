#include "widgets/chat/transcript.h"

#include <algorithm>

#include <QElapsedTimer>
#include <QEvent>
#include <QToolButton>

#include "widgets/chat/message_widget.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kStreamInterval = 50;    // ms: twenty times a second is as smooth as reading needs
constexpr int kSlice = 8;              // ms of drawing before the window gets its turn
constexpr qsizetype kSliceText = 1500; // characters between two looks at the clock

} // namespace

Transcript::Transcript(QWidget* parent)
    : QAbstractScrollArea(parent), toEnd_(new QToolButton(this)) {
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setAccessibleName(tr("Conversation"));
    viewport()->setAutoFillBackground(false);

    toEnd_->setIcon(icon(u"chevron-down"_s));
    toEnd_->setToolTip(tr("To the end"));
    toEnd_->setAccessibleName(tr("To the end"));
    toEnd_->setFixedSize(kControlHeight, kControlHeight);
    toEnd_->hide();
    connect(toEnd_, &QToolButton::clicked, this, &Transcript::scrollToEnd);

    timer_.setSingleShot(true);
    connect(&timer_, &QTimer::timeout, this, &Transcript::renderSlice);
    arrange_.setSingleShot(true);
    connect(&arrange_, &QTimer::timeout, this, &Transcript::arrange);
    connect(&Theme::current(), &Theme::themeChanged, this, &Transcript::restartAll);
}

void Transcript::show(const Conversation& conversation) {
    const QList<const ChatMessage*> path = conversation.branchTo(conversation.leaf());
    std::size_t kept = 0;
    if (conversation.id == conversationId_) {
        while (kept < static_cast<std::size_t>(path.size()) && kept < entries_.size() &&
               entries_[kept].message.id == path[static_cast<qsizetype>(kept)]->id)
            ++kept;
    } else {
        following_ = true;
        anchor_ = {};
        toEnd_->hide();
    }
    conversationId_ = conversation.id;
    truncate(kept);
    for (auto i = static_cast<qsizetype>(kept); i < path.size(); ++i)
        entries_.push_back(
            {*path[i], conversation.siblings(path[i]->id), nullptr, 0, guessHeight(*path[i])});
    for (const Entry& entry : entries_) {
        if (entry.widget)
            entry.widget->setLast(&entry == &entries_.back());
    }
    arrange();
}

void Transcript::truncate(std::size_t count) {
    for (std::size_t i = count; i < entries_.size(); ++i)
        release(entries_[i]);
    if (count < entries_.size())
        entries_.resize(count);
}

void Transcript::realise(Entry& entry) {
    auto* widget = new MessageWidget(entry.message, viewport());
    entry.widget = widget;
    connect(widget, &MessageWidget::regenerateRequested, this, &Transcript::regenerateRequested);
    connect(widget, &MessageWidget::editRequested, this, &Transcript::editRequested);
    connect(widget, &MessageWidget::continueRequested, this, &Transcript::continueRequested);
    connect(widget, &MessageWidget::versionRequested, this, &Transcript::versionRequested);
    connect(widget, &MessageWidget::textMenuRequested, this, &Transcript::textMenuRequested);
    widget->setVersions(entry.versions);
    widget->setLast(&entry == &entries_.back());
    widget->setLocked(locked_);
    widget->resize(columnWidth_, entry.height);
    widget->show();
    widget->installEventFilter(this);
    wake(0);
}

void Transcript::release(Entry& entry) {
    if (!entry.widget)
        return;
    // The request may have come from one of its buttons.
    entry.widget->removeEventFilter(this);
    entry.widget->hide();
    entry.widget->deleteLater();
    entry.widget = nullptr;
}

void Transcript::feed(const QString& messageId, const QString& text) {
    if (Entry* entry = entryOf(messageId)) {
        entry->message.text += text;
        if (entry->widget)
            entry->widget->feed(text);
        wake(kStreamInterval);
    }
}

void Transcript::reopen(const ChatMessage& message) {
    if (Entry* entry = entryOf(message.id)) {
        entry->message = message;
        if (entry->widget)
            entry->widget->reopen(message);
        wake(0);
    }
}

void Transcript::finish(const ChatMessage& message) {
    if (Entry* entry = entryOf(message.id)) {
        entry->message = message;
        if (entry->widget) {
            entry->widget->setMessage(message);
            entry->widget->finishText();
        }
        wake(0);
    }
}

void Transcript::setLocked(bool locked) {
    locked_ = locked;
    for (const Entry& entry : entries_) {
        if (entry.widget)
            entry.widget->setLocked(locked);
    }
}

Transcript::Entry* Transcript::entryOf(const QString& messageId) {
    // What is asked for is nearly always at the end.
    const auto found =
        std::find_if(entries_.rbegin(), entries_.rend(),
                     [&messageId](const Entry& entry) { return entry.message.id == messageId; });
    return found == entries_.rend() ? nullptr : &*found;
}

MessageWidget* Transcript::widgetOf(const QString& messageId) const {
    const Entry* entry = const_cast<Transcript*>(this)->entryOf(messageId);
    return entry ? entry->widget : nullptr;
}

int Transcript::widgetCount() const {
    return static_cast<int>(std::count_if(entries_.begin(), entries_.end(),
                                          [](const Entry& entry) { return entry.widget; }));
}

bool Transcript::isFullyRendered() const {
    return !timer_.isActive() && !arrange_.isActive() &&
           std::all_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
               return !entry.widget || entry.widget->isRendered();
           });
}

void Transcript::wake(int delay) {
    if (!timer_.isActive())
        timer_.start(delay);
}

void Transcript::renderSlice() {
    QElapsedTimer clock;
    clock.start();
    bool isDone = true;
    for (auto entry = entries_.rbegin(); isDone && entry != entries_.rend(); ++entry) {
        while (isDone && entry->widget && !entry->widget->renderSome(kSliceText))
            isDone = clock.elapsed() <= kSlice;
    }
    if (!isDone)
        wake(0);
    arrange();
}

void Transcript::restartAll() {
    for (const Entry& entry : entries_) {
        if (entry.widget)
            entry.widget->restart();
    }
    wake(0);
}

void Transcript::scrollToEnd() {
    following_ = true;
    toEnd_->hide();
    arrange();
}

void Transcript::reveal(const QString& messageId) {
    if (const Entry* entry = entryOf(messageId)) {
        following_ = false;
        toEnd_->show();
        anchor_ = {static_cast<int>(entry - entries_.data()), 0, {-1, 0}};
        arrange();
    }
}

bool Transcript::eventFilter(QObject* object, QEvent* event) {
    if (event->type() == QEvent::LayoutRequest && !arranging_)
        arrange_.start(0);
    return QAbstractScrollArea::eventFilter(object, event);
}

void Transcript::resizeEvent(QResizeEvent* event) {
    QAbstractScrollArea::resizeEvent(event);
    placeEndButton();
    arrange();
}

void Transcript::placeEndButton() {
    const QRect area = viewport()->geometry();
    toEnd_->move(area.center().x() - kControlHeight / 2,
                 area.bottom() - kControlHeight - kSpaceSmall);
    toEnd_->raise();
}

} // namespace caldera::studio
