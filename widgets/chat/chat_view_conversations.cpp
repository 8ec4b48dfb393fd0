// The conversations of the chat view: which is open, how an answer is asked for, comes in and is
// saved.
#include <QClipboard>
#include <QGuiApplication>
#include <QMenu>
#include <QPlainTextEdit>
#include <QStackedWidget>

#include <utility>

#include "widgets/chat/chat_client.h"
#include "widgets/chat/chat_settings.h"
#include "widgets/chat/chat_view.h"
#include "widgets/chat/compare_view.h"
#include "widgets/chat/composer.h"
#include "widgets/chat/context_fit.h"
#include "widgets/chat/conversation_export.h"
#include "widgets/chat/conversation_list.h"
#include "widgets/chat/conversation_store.h"
#include "widgets/chat/message_text.h"
#include "widgets/chat/message_widget.h"
#include "widgets/chat/throughput_panel.h"
#include "widgets/chat/transcript.h"
#include "widgets/support/number_text.h"
#include "widgets/support/save_file.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kTalkPage = 1;

} // namespace

void ChatView::takeLoaded(const QList<Conversation>& conversations, int newer) {
    for (const Conversation& conversation : conversations) {
        if (!stored_.contains(conversation.id))
            stored_.insert(conversation.id, conversation);
    }
    list_->model()->setAll(stored_.values());
    list_->showNewer(newer);
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
    composer_->settings()->set(open_.systemPrompt, open_.sampling);
}

void ChatView::openConversation(const QString& id) {
    if (!stored_.contains(id))
        return;
    if (open_.id != id) {
        composer_->endEdit();
        editing_.clear();
        keepOpen();
        open_ = stored_.value(id);
        showOpen();
    }
    if (const QString found = list_->model()->foundIn(id); !found.isEmpty())
        transcript_->reveal(found);
}

void ChatView::showOpen() {
    pages_->setCurrentIndex(open_.isEmpty() ? 0 : kTalkPage);
    composer_->settings()->set(open_.systemPrompt, open_.sampling);
    transcript_->show(open_);
    compare_->setQuestionSettings(open_.systemPrompt, open_.sampling);
    list_->mark(open_.id);
    showFit();
    if (isStreaming())
        return;
    const ChatMessage* last = std::as_const(open_).find(open_.leaf());
    if (last && last->role == ChatRole::Assistant)
        throughput_->showStored(last->statistics);
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

void ChatView::exportConversation(const QString& id) {
    const Conversation* known = conversationOf(id);
    if (!known)
        return;
    saveFile(this, {tr("Export the conversation"),
                    fileNameOf(*known) + ".md"_L1,
                    {tr("Markdown (*.md)"), tr("JSON (*.json)")},
                    {},
                    [conversation = *known](const QString& suffix) {
                        return suffix == "json"_L1 ? jsonOf(conversation)
                                                   : markdownOf(conversation).toUtf8();
                    }});
}

void ChatView::showFit() {
    const ChatMessage* edited = open_.find(editing_);
    const ContextFit fit = contextFit(open_, composer_->field()->toPlainText(), contextLength_,
                                      edited ? std::optional(edited->parent) : std::nullopt);
    const QString used = (fit.exact ? QString() : tr("about ")) + countText(fit.used);
    QString sentence;
    if (fit.state == ContextState::Full)
        sentence = tr("The conversation fills the context (%1 of %2 tokens): nothing can be "
                      "answered. Begin a new one, or edit an earlier message.")
                       .arg(used, countText(contextLength_));
    else if (fit.state == ContextState::Tight)
        sentence = tr("The context has room for %1 more tokens (%2 of %3 are used): a long answer "
                      "will be cut.")
                       .arg(countText(fit.room), used, countText(contextLength_));
    composer_->setWarning(sentence);
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
    const QString id = open_.add(questionId, ChatRole::Assistant, {});
    open_.find(id)->model = modelName_;
    continuedTokens_ = -1;
    beginStreaming(id);
    showOpen();
    transcript_->scrollToEnd();
}

void ChatView::continueAnswer(const QString& messageId) {
    ChatMessage* message = open_.find(messageId);
    if (isStreaming() || !message || !message->brokeOff() || open_.leaf() != messageId)
        return;
    message->error.clear();
    continuedTokens_ = qMax(0, message->statistics.generatedTokens);
    beginStreaming(messageId);
    transcript_->reopen(*open_.find(messageId));
    showOpen();
}

void ChatView::beginStreaming(const QString& messageId) {
    streamingConversation_ = open_.id;
    streamingMessage_ = messageId;
    open_.find(messageId)->end = ChatEnd::Streaming;
    touch(open_);
    transcript_->setLocked(true);
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

ChatRequest ChatView::upTo(const Conversation& conversation, const QString& messageId) const {
    ChatRequest what;
    what.model = modelName_;
    what.systemPrompt = conversation.systemPrompt;
    what.sampling = conversation.sampling;
    what.messages = conversation.pathTo(messageId);
    // An answer that failed before its first word is no part of the conversation.
    what.messages.removeIf([](const ChatMessage& message) { return message.text.isEmpty(); });
    return what;
}

void ChatView::request() {
    const Conversation* conversation = conversationOf(streamingConversation_);
    if (!conversation)
        return;
    ChatRequest what = upTo(*conversation, streamingMessage_);
    what.continues = continuedTokens_ >= 0;
    client_->send(server_, what);
    Q_EMIT serverUsed(server_);
    if (throughput_->hasGpu())
        surveys_.start();
}

void ChatView::offerBlame(QMenu* menu, const QString& messageId, qsizetype place) {
    const ChatMessage* message = open_.find(messageId);
    const bool canBlame = ownEngine_ && !artifact_.isEmpty() && message &&
                          message->role == ChatRole::Assistant && streamingMessage_ != messageId;
    if (!canBlame)
        return;
    const std::optional<BlameQuestion> question = questionAbout(
        upTo(open_, messageId), transcript_->widgetOf(messageId)->text()->toPlainText(), place);
    if (!question)
        return;
    menu->addSeparator();
    menu->addAction(tr("Which cells moved \"%1\"?").arg(question->word), this,
                    [this, question] { Q_EMIT blameRequested(*question); });
}

void ChatView::takeDelta(const QString& text) {
    Conversation* conversation = conversationOf(streamingConversation_);
    ChatMessage* message = conversation ? conversation->find(streamingMessage_) : nullptr;
    if (!message)
        return;
    message->text += text;
    throughput_->countToken();
    Q_EMIT serverUsed(server_);
    if (conversation == &open_)
        transcript_->feed(streamingMessage_, text);
    saveSoon();
}

void ChatView::stop() {
    if (!isStreaming())
        return;
    client_->cancel();
    endAnswer(ChatEnd::Stopped, throughput_->measured(), {});
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
        if (continuedTokens_ > 0 && statistics.generatedTokens >= 0) {
            // What was there before counts as the answer's, not as the prompt's.
            message->statistics.generatedTokens += continuedTokens_;
            if (statistics.promptTokens >= 0)
                message->statistics.promptTokens -= continuedTokens_;
        }
        touch(*conversation);
        if (conversation == &open_)
            transcript_->finish(*message);
    }
    transcript_->setLocked(false);
    composer_->setStreaming(false);
    throughput_->endAnswer(statistics);
    surveys_.stop();
    if (!isBounded_ && !server_.isEmpty())
        client_->survey(server_); // it measures only while nothing is answered
    Q_EMIT activityChanged({});
    showFit();
}

void ChatView::touch(Conversation& conversation) {
    stored_[conversation.id] = conversation;
    list_->model()->put(conversation);
    list_->mark(open_.id);
    unsaved_.insert(conversation.id);
    saveSoon();
}

void ChatView::saveSoon() {
    if (!save_.isActive())
        save_.start();
}

void ChatView::saveNow() {
    const QSet<QString> ids = std::exchange(unsaved_, {});
    for (const QString& id : ids) {
        if (const Conversation* conversation = conversationOf(id))
            store_->save(*conversation);
    }
    if (isStreaming())
        keepAnswer(ids.contains(streamingConversation_));
}

/// However long the conversation is, only what came since is written while an answer comes in.
void ChatView::keepAnswer(bool isSaved) {
    const Conversation* conversation = conversationOf(streamingConversation_);
    const ChatMessage* message = conversation ? conversation->find(streamingMessage_) : nullptr;
    if (!message)
        return;
    const qsizetype kept = std::exchange(keptText_, message->text.size());
    if (!isSaved && message->text.size() > kept)
        store_->append(streamingConversation_, {streamingMessage_, kept, message->text.mid(kept)});
}

} // namespace caldera::studio
