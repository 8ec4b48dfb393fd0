// The conversations of the chat view: which is open, how an answer is asked for, comes in and is
// saved.
#include <QClipboard>
#include <QGuiApplication>
#include <QPlainTextEdit>
#include <QStackedWidget>

#include <utility>

#include "widgets/chat/chat_client.h"
#include "widgets/chat/chat_view.h"
#include "widgets/chat/composer.h"
#include "widgets/chat/conversation_list.h"
#include "widgets/chat/conversation_store.h"
#include "widgets/chat/throughput_panel.h"
#include "widgets/chat/transcript.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kTalkPage = 1;

QString markdownOf(const Conversation& conversation) {
    QString text = u"# "_s + conversation.title + u'\n';
    for (const ChatMessage& message : conversation.path()) {
        const QString author = message.role == ChatRole::User ? ChatView::tr("You")
                               : message.model.isEmpty()      ? ChatView::tr("Model")
                                                              : message.model;
        text += u"\n**"_s + author + u":**\n\n"_s + message.text + u'\n';
    }
    return text;
}

} // namespace

void ChatView::takeLoaded(const QList<Conversation>& conversations) {
    for (const Conversation& conversation : conversations) {
        if (!stored_.contains(conversation.id))
            stored_.insert(conversation.id, conversation);
    }
    list_->model()->setAll(stored_.values());
    list_->mark(open_.id);
}

Conversation* ChatView::conversationOf(const QString& id) {
    if (open_.id == id)
        return &open_;
    const auto found = stored_.find(id);
    return found == stored_.end() ? nullptr : &*found;
}

void ChatView::keepOpen() {
    if (!open_.isEmpty())
        stored_[open_.id] = open_;
}

void ChatView::newConversation() {
    if (!open_.isEmpty()) {
        keepOpen();
        // The next conversation begins with the settings of this one.
        const QString systemPrompt = open_.systemPrompt;
        const ChatSampling sampling = open_.sampling;
        open_ = Conversation::create();
        open_.systemPrompt = systemPrompt;
        open_.sampling = sampling;
        showOpen();
    }
    composer_->endEdit();
    composer_->field()->setFocus(Qt::OtherFocusReason);
}

void ChatView::setSampling(const ChatSampling& sampling) {
    open_.sampling = sampling;
    composer_->setSettings(open_.systemPrompt, open_.sampling);
}

void ChatView::openConversation(const QString& id) {
    if (open_.id == id || !stored_.contains(id))
        return;
    composer_->endEdit();
    editing_.clear();
    keepOpen();
    open_ = stored_.value(id);
    showOpen();
}

void ChatView::showOpen() {
    pages_->setCurrentIndex(open_.isEmpty() ? 0 : kTalkPage);
    composer_->setSettings(open_.systemPrompt, open_.sampling);
    transcript_->show(open_);
    list_->mark(open_.id);
    if (isStreaming())
        return;
    const QList<ChatMessage> path = open_.path();
    if (!path.isEmpty() && path.last().role == ChatRole::Assistant)
        throughput_->showStored(path.last().statistics);
    else
        throughput_->clear();
}

void ChatView::deleteConversation(const QString& id) {
    if (streamingConversation_ == id)
        stop();
    const Conversation* known = conversationOf(id);
    if (!known)
        return;
    const Conversation deleted = *known;
    unsaved_.remove(id);
    stored_.remove(id);
    store_->remove(id);
    list_->model()->remove(id);
    if (open_.id == id) {
        open_ = Conversation::create();
        showOpen();
    }
    list_->offerUndo(deleted);
}

void ChatView::copyAsMarkdown(const QString& id) {
    if (const Conversation* known = conversationOf(id))
        QGuiApplication::clipboard()->setText(markdownOf(*known));
}

void ChatView::send(const QString& text) {
    if (isStreaming())
        return;
    QString parent = open_.leaf();
    if (const ChatMessage* edited = open_.find(std::exchange(editing_, {})))
        parent = edited->parent;
    composer_->endEdit();
    answer(open_.add(parent, ChatRole::User, text));
}

void ChatView::regenerate(const QString& messageId) {
    const ChatMessage* message = open_.find(messageId);
    if (!isStreaming() && message && message->role == ChatRole::Assistant)
        answer(message->parent);
}

void ChatView::editMessage(const QString& messageId) {
    const ChatMessage* message = open_.find(messageId);
    if (isStreaming() || !message || message->role != ChatRole::User)
        return;
    editing_ = messageId;
    composer_->beginEdit(message->text);
}

void ChatView::answer(const QString& questionId) {
    streamingConversation_ = open_.id;
    streamingMessage_ = open_.add(questionId, ChatRole::Assistant, {});
    ChatMessage* message = open_.find(streamingMessage_);
    message->end = ChatEnd::Streaming;
    message->model = modelName_;
    touch(open_);
    transcript_->setLocked(true);
    showOpen();
    transcript_->scrollToEnd();
    composer_->setStreaming(true);
    throughput_->beginAnswer();
    Q_EMIT activityChanged(tr("Answering…"));
    if (server_.isEmpty()) {
        waiting_ = true;
        ensureEngine();
    } else {
        request();
    }
}

void ChatView::request() {
    const Conversation* conversation = conversationOf(streamingConversation_);
    if (!conversation)
        return;
    ChatRequest what;
    what.model = modelName_;
    what.systemPrompt = conversation->systemPrompt;
    what.sampling = conversation->sampling;
    Conversation upTo = *conversation;
    upTo.show(streamingMessage_);
    for (const ChatMessage& message : upTo.path()) {
        // An answer that failed before its first word is no part of the conversation.
        if (!message.text.isEmpty())
            what.messages.append(message);
    }
    client_->send(server_, what);
}

void ChatView::takeDelta(const QString& text) {
    Conversation* conversation = conversationOf(streamingConversation_);
    ChatMessage* message = conversation ? conversation->find(streamingMessage_) : nullptr;
    if (!message)
        return;
    message->text += text;
    throughput_->countToken();
    if (conversation == &open_)
        transcript_->feed(streamingMessage_, text);
    unsaved_.insert(conversation->id);
    if (!save_.isActive())
        save_.start();
}

void ChatView::stop() {
    if (!isStreaming())
        return;
    client_->cancel();
    endAnswer(ChatEnd::Stopped, {}, {});
}

void ChatView::endAnswer(ChatEnd end, const ChatStatistics& statistics, const QString& error) {
    Conversation* conversation = conversationOf(streamingConversation_);
    ChatMessage* message = conversation ? conversation->find(streamingMessage_) : nullptr;
    streamingConversation_.clear();
    streamingMessage_.clear();
    waiting_ = false;
    if (message) {
        message->end = end;
        message->error = error;
        message->statistics = statistics;
        touch(*conversation);
        if (conversation == &open_)
            transcript_->finish(*message);
    }
    transcript_->setLocked(false);
    composer_->setStreaming(false);
    throughput_->endAnswer(statistics);
    Q_EMIT activityChanged({});
}

void ChatView::touch(Conversation& conversation) {
    stored_[conversation.id] = conversation;
    list_->model()->put(conversation);
    list_->mark(open_.id);
    unsaved_.insert(conversation.id);
    if (!save_.isActive())
        save_.start();
}

void ChatView::saveNow() {
    const QSet<QString> ids = std::exchange(unsaved_, {});
    for (const QString& id : ids) {
        if (const Conversation* conversation = conversationOf(id))
            store_->save(*conversation);
    }
}

} // namespace caldera::studio
