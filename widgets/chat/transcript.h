// The messages of a conversation in a readable column.
#pragma once

#include <QElapsedTimer>
#include <QHash>
#include <QScrollArea>
#include <QTimer>

#include "widgets/chat/conversation.h"

class QToolButton;
class QVBoxLayout;

namespace caldera::studio {

class MessageWidget;

/// Draws in slices of a few milliseconds, newest message first, so that neither a long history nor
/// a long answer holds up the window. Follows the end only while the reader is at the end.
class Transcript : public QScrollArea {
    Q_OBJECT
public:
    explicit Transcript(QWidget* parent = nullptr);

    /// Shows the path of a conversation; messages that stay keep their widgets.
    void show(const Conversation& conversation);
    /// More text of the streaming message.
    void feed(const QString& messageId, const QString& text);
    /// An answer that had ended goes on.
    void reopen(const ChatMessage& message);
    /// The message has ended.
    void finish(const ChatMessage& message);
    void setLocked(bool locked);
    void scrollToEnd();
    bool isAtEnd() const { return following_; }
    bool isFullyRendered() const;
    /// Null when the message is not on screen.
    MessageWidget* widgetOf(const QString& messageId) const;
    int messageCount() const { return static_cast<int>(widgets_.size()); }

Q_SIGNALS:
    void regenerateRequested(const QString& id);
    void editRequested(const QString& id);
    void continueRequested(const QString& id);
    void versionRequested(const QString& id);

protected:
    void resizeEvent(QResizeEvent* event) override;
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    void addWidget(const ChatMessage& message);
    void renderSlice();
    void wake(int delay);
    void keepPlace();
    void placeEndButton();
    void restartAll();

    QWidget* column_;
    QVBoxLayout* layout_;
    QToolButton* toEnd_;
    QList<MessageWidget*> widgets_;
    QString conversationId_;
    QTimer timer_;
    bool following_ = true;
    bool adjusting_ = false;
    bool locked_ = false;
};

} // namespace caldera::studio
