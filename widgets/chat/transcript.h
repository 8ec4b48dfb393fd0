// The messages of a conversation in a readable column.
#pragma once

#include <vector>

#include <QAbstractScrollArea>
#include <QTimer>

#include "widgets/chat/conversation.h"

class QMenu;
class QToolButton;

namespace caldera::studio {

class MessageWidget;

/// Only messages near the ones in sight have widgets, so a history of thousands opens at once; the
/// others take the height that they had, or one that is guessed from their length. Draws in slices
/// of a few milliseconds, so that no long answer holds up the window. Follows the end only while
/// the reader is at the end; otherwise what is read stays where it is.
class Transcript : public QAbstractScrollArea {
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
    /// Whether all is drawn that is near the messages in sight.
    bool isFullyRendered() const;
    /// Null when the message is not near the ones in sight.
    MessageWidget* widgetOf(const QString& messageId) const;
    int messageCount() const { return static_cast<int>(entries_.size()); }
    /// Messages that have widgets.
    int widgetCount() const;
    /// Puts the message where it is read.
    void reveal(const QString& messageId);

Q_SIGNALS:
    void regenerateRequested(const QString& id);
    void editRequested(const QString& id);
    void continueRequested(const QString& id);
    void versionRequested(const QString& id);
    void textMenuRequested(QMenu* menu, const QString& id, qsizetype place);

protected:
    void resizeEvent(QResizeEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    struct Entry {
        ChatMessage message;
        QStringList versions;
        MessageWidget* widget = nullptr;
        int top = 0;
        int height = 0;
    };
    /// What stands at the top of the view: the message, and where in it.
    struct Anchor {
        int entry = 0;
        int below = 0;           ///< px below the message's top, when it has no widget
        QPoint inText = {-1, 0}; ///< MessageText::anchorAt
    };

    Entry* entryOf(const QString& messageId);
    void truncate(std::size_t count);
    void realise(Entry& entry);
    void release(Entry& entry);
    void releaseFar(int top, int bottom);
    void renderSlice();
    void wake(int delay);
    void arrange();
    /// Gives widgets to what is in sight; true when a height was not what was thought.
    bool settle();
    void stack();
    void place();
    int measure(const Entry& entry) const;
    int guessHeight(const ChatMessage& message) const;
    int entryAt(int y) const;
    int contentHeight() const;
    int wantedTop() const;
    void takeAnchor(int y);
    int heightOfAnchor() const;
    void placeEndButton();
    void restartAll();

    QToolButton* toEnd_;
    std::vector<Entry> entries_;
    QString conversationId_;
    QTimer timer_;   ///< the next slice
    QTimer arrange_; ///< heights changed
    Anchor anchor_;
    int columnWidth_ = 0;
    bool following_ = true;
    bool arranging_ = false;
    bool locked_ = false;
};

} // namespace caldera::studio
