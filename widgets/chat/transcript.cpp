#include "widgets/chat/transcript.h"

#include <QEvent>
#include <QScrollBar>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/chat/message_widget.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kStreamInterval = 50;      // ms: twenty times a second is as smooth as reading needs
constexpr int kSlice = 8;                // ms of drawing before the window gets its turn
constexpr qsizetype kSliceText = 1500;   // characters between two looks at the clock
constexpr int kNearEnd = 4;              // px that still count as the end
constexpr int kMessageGap = kSpaceSmall; // the row of buttons is air already

} // namespace

Transcript::Transcript(QWidget* parent)
    : QScrollArea(parent), column_(new QWidget), toEnd_(new QToolButton(this)) {
    auto* page = new QWidget;
    auto* pageLayout = new QHBoxLayout(page);
    pageLayout->setContentsMargins(kSpaceHuge, kSpaceHuge, kSpaceHuge, kSpaceHuge);
    column_->setMaximumWidth(kReadableWidth);
    pageLayout->addStretch(1);
    pageLayout->addWidget(column_, 1000);
    pageLayout->addStretch(1);
    layout_ = new QVBoxLayout(column_);
    layout_->setContentsMargins(0, 0, 0, 0);
    layout_->setSpacing(kMessageGap);
    layout_->addStretch(1);
    setWidget(page);
    setWidgetResizable(true);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setAccessibleName(tr("Conversation"));
    page->setAutoFillBackground(false);
    viewport()->setAutoFillBackground(false);
    page->installEventFilter(this);

    toEnd_->setIcon(icon(u"chevron-down"_s));
    toEnd_->setToolTip(tr("To the end"));
    toEnd_->setAccessibleName(tr("To the end"));
    toEnd_->setFixedSize(kControlHeight, kControlHeight);
    toEnd_->hide();
    connect(toEnd_, &QToolButton::clicked, this, &Transcript::scrollToEnd);

    timer_.setSingleShot(true);
    connect(&timer_, &QTimer::timeout, this, &Transcript::renderSlice);
    connect(verticalScrollBar(), &QScrollBar::valueChanged, this, [this](int value) {
        if (adjusting_)
            return;
        following_ = value >= verticalScrollBar()->maximum() - kNearEnd;
        toEnd_->setVisible(!following_);
    });
    connect(verticalScrollBar(), &QScrollBar::rangeChanged, this, &Transcript::keepPlace);
    connect(&Theme::current(), &Theme::themeChanged, this, &Transcript::restartAll);
}

void Transcript::show(const Conversation& conversation) {
    const QList<ChatMessage> path = conversation.path();
    qsizetype kept = 0;
    if (conversation.id == conversationId_) {
        while (kept < path.size() && kept < widgets_.size() &&
               widgets_[kept]->message().id == path[kept].id)
            ++kept;
    } else {
        following_ = true;
        toEnd_->hide();
    }
    conversationId_ = conversation.id;
    while (widgets_.size() > kept) {
        MessageWidget* old = widgets_.takeLast();
        layout_->removeWidget(old);
        // The request may have come from one of its buttons.
        old->hide();
        old->deleteLater();
    }
    for (qsizetype i = kept; i < path.size(); ++i)
        addWidget(path[i]);
    for (MessageWidget* widget : std::as_const(widgets_)) {
        widget->setVersions(conversation.siblings(widget->message().id));
        widget->setLast(widget == widgets_.last());
        widget->setLocked(locked_);
    }
    wake(0);
}

void Transcript::addWidget(const ChatMessage& message) {
    auto* widget = new MessageWidget(message, column_);
    connect(widget, &MessageWidget::regenerateRequested, this, &Transcript::regenerateRequested);
    connect(widget, &MessageWidget::editRequested, this, &Transcript::editRequested);
    connect(widget, &MessageWidget::continueRequested, this, &Transcript::continueRequested);
    connect(widget, &MessageWidget::versionRequested, this, &Transcript::versionRequested);
    layout_->insertWidget(static_cast<int>(widgets_.size()), widget);
    widgets_.append(widget);
}

void Transcript::feed(const QString& messageId, const QString& text) {
    if (MessageWidget* widget = widgetOf(messageId)) {
        widget->feed(text);
        wake(kStreamInterval);
    }
}

void Transcript::reopen(const ChatMessage& message) {
    if (MessageWidget* widget = widgetOf(message.id)) {
        widget->reopen(message);
        wake(0);
    }
}

void Transcript::finish(const ChatMessage& message) {
    if (MessageWidget* widget = widgetOf(message.id)) {
        widget->setMessage(message);
        widget->finishText();
    }
}

void Transcript::setLocked(bool locked) {
    locked_ = locked;
    for (MessageWidget* widget : std::as_const(widgets_))
        widget->setLocked(locked);
}

MessageWidget* Transcript::widgetOf(const QString& messageId) const {
    for (MessageWidget* widget : widgets_) {
        if (widget->message().id == messageId)
            return widget;
    }
    return nullptr;
}

bool Transcript::isFullyRendered() const {
    return std::all_of(widgets_.begin(), widgets_.end(),
                       [](const MessageWidget* widget) { return widget->isRendered(); });
}

void Transcript::wake(int delay) {
    if (!timer_.isActive())
        timer_.start(delay);
}

void Transcript::renderSlice() {
    QElapsedTimer clock;
    clock.start();
    for (qsizetype i = widgets_.size() - 1; i >= 0; --i) {
        while (!widgets_[i]->renderSome(kSliceText)) {
            if (clock.elapsed() > kSlice) {
                wake(0);
                return;
            }
        }
    }
}

void Transcript::restartAll() {
    for (MessageWidget* widget : std::as_const(widgets_))
        widget->restart();
    wake(0);
}

void Transcript::scrollToEnd() {
    following_ = true;
    toEnd_->hide();
    verticalScrollBar()->setValue(verticalScrollBar()->maximum());
}

void Transcript::keepPlace() {
    if (!following_)
        return;
    adjusting_ = true;
    verticalScrollBar()->setValue(verticalScrollBar()->maximum());
    adjusting_ = false;
}

bool Transcript::eventFilter(QObject* object, QEvent* event) {
    if (event->type() == QEvent::Resize && following_)
        keepPlace();
    return QScrollArea::eventFilter(object, event);
}

void Transcript::resizeEvent(QResizeEvent* event) {
    QScrollArea::resizeEvent(event);
    placeEndButton();
}

void Transcript::placeEndButton() {
    const QRect area = viewport()->geometry();
    toEnd_->move(area.center().x() - kControlHeight / 2,
                 area.bottom() - kControlHeight - kSpaceSmall);
}

} // namespace caldera::studio
