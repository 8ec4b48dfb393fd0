// One message on screen: who, what, and what can be done with it.
#pragma once

#include <QWidget>

#include "widgets/chat/conversation.h"

class QHBoxLayout;
class QLabel;
class QMenu;
class QToolButton;

namespace caldera::studio {

class ElidedLabel;
class MessageText;
class ToneLabel;

class MessageWidget : public QWidget {
    Q_OBJECT
public:
    explicit MessageWidget(const ChatMessage& message, QWidget* parent = nullptr);

    const ChatMessage& message() const { return message_; }
    /// Takes what changed but the text: end, error, figures.
    void setMessage(const ChatMessage& message);
    /// Position among its versions, from 0; hidden when there is one.
    void setVersions(const QStringList& ids);
    /// Whether nothing follows it: an answer that broke off can be continued then.
    void setLast(bool last);
    /// Its text goes on.
    void reopen(const ChatMessage& message);
    /// Nothing may be asked again while an answer streams.
    void setLocked(bool locked);

    /// More of a streaming answer; drawn with the next renderSome().
    void feed(const QString& text);
    /// Draws at most about `characters`; true when all is drawn.
    bool renderSome(qsizetype characters);
    void finishText();
    /// Forgets what is drawn (the colours changed) and draws again with renderSome().
    void restart();
    bool isRendered() const { return rendered_; }
    MessageText* text() const { return text_; }
    /// Where the text begins, in px below the top.
    int textTop() const;
    /// Fits the text between these heights, in px below its top, to the width at once; the rest
    /// waits for renderSome().
    void layOutWithin(int top, int bottom);

Q_SIGNALS:
    void regenerateRequested(const QString& id);
    void editRequested(const QString& id);
    void continueRequested(const QString& id);
    void versionRequested(const QString& id);
    /// The menu of its text is about to be shown at this character of the plain text.
    void textMenuRequested(QMenu* menu, const QString& id, qsizetype place);

protected:
    void enterEvent(QEnterEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    QWidget* buildText(bool user);
    QWidget* buildNote();
    QWidget* buildActions();
    void buildButtons(QWidget* box);
    void buildVersions(QWidget* box);
    void showNotes();
    QString figures() const;

    ChatMessage message_;
    QStringList versions_;
    bool rendered_ = false;
    bool streaming_ = false;
    bool last_ = false;
    ToneLabel* author_;
    MessageText* text_;
    QWidget* bubble_ = nullptr;
    QWidget* actions_ = nullptr;
    QToolButton* again_ = nullptr;
    QToolButton* edit_ = nullptr;
    QToolButton* continue_ = nullptr;
    QWidget* versionBox_ = nullptr;
    ToneLabel* version_ = nullptr;
    QToolButton* previous_ = nullptr;
    QToolButton* next_ = nullptr;
    ElidedLabel* figures_ = nullptr;
    QWidget* noteBox_;
    QLabel* noteIcon_;
    ToneLabel* note_;
};

} // namespace caldera::studio
