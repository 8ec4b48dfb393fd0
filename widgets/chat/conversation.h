// A conversation as a value: a tree of messages, so that nothing said is lost by saying it again.
#pragma once

#include <QDateTime>
#include <QHash>
#include <QJsonObject>
#include <QList>
#include <QString>

namespace caldera::studio {

/// How an answer is drawn from the model. The limits are the server's, where it has any.
struct ChatSampling {
    static constexpr double kMostTemperature = 2;
    static constexpr double kLeastTopP = 0.01;
    static constexpr double kLeastRepetition = 0.1;
    static constexpr double kMostRepetition = 10;
    static constexpr int kMostTokens = 1 << 20; ///< of top k, and of an answer
    static constexpr int kMostSeed = 0x7FFFFFFF;

    double temperature = 0.7; ///< 0: the likeliest token always
    double topP = 0.95;
    int topK = 0;    ///< 0: off
    double minP = 0; ///< least share of the likeliest token's probability; 0: off
    double repetitionPenalty = 1.0;
    int maxTokens = 512;
    qint64 seed = -1; ///< negative: a different one each time

    /// What is out of range becomes what is nearest: a file may come from anyone.
    static ChatSampling fromJson(const QJsonObject& json);
    QJsonObject toJson() const;
    bool operator==(const ChatSampling&) const = default;
};

/// What the engine measured for one answer; a negative figure is unknown.
struct ChatStatistics {
    int promptTokens = -1;
    int reusedTokens = -1;
    int generatedTokens = -1;
    double timeToFirstToken = -1; ///< seconds
    double promptTokensPerSecond = -1;
    double tokensPerSecond = -1;
    double p50 = -1, p95 = -1, p99 = -1; ///< seconds between tokens
    qint64 weightBytes = -1;             ///< read for each token
    qint64 cacheBytes = -1;

    static ChatStatistics fromJson(const QJsonObject& json);
    QJsonObject toJson() const;
    bool operator==(const ChatStatistics&) const = default;
};

enum class ChatRole { User, Assistant };

/// How an answer ended.
enum class ChatEnd { Streaming, Complete, Length, Stopped, Failed };

struct ChatMessage {
    QString id;
    QString parent; ///< id of the message it follows; empty for a first one
    ChatRole role = ChatRole::User;
    QString text;
    QDateTime time;
    ChatEnd end = ChatEnd::Complete;
    QString error; ///< sentence, when it failed
    QString model; ///< what answered
    ChatStatistics statistics;

    /// An answer that has a beginning and could go on.
    bool brokeOff() const {
        return !text.isEmpty() &&
               (end == ChatEnd::Stopped || end == ChatEnd::Length || end == ChatEnd::Failed);
    }
    bool operator==(const ChatMessage&) const = default;
};

/// Messages form a tree; the branch that ends at `leaf` is the one on screen. Asking again adds a
/// sibling of the answer, editing a question adds a sibling of the question.
class Conversation {
public:
    QString id;
    QString title;
    bool titled = false; ///< named by a person: the first question no longer names it
    QDateTime created;
    QDateTime updated;
    QString systemPrompt;
    ChatSampling sampling;

    /// An empty conversation with an id of its own.
    static Conversation create();
    /// Whether a later studio wrote it, whose conversations this one does not read.
    static bool isNewer(const QJsonObject& json);
    /// Throws nothing: a document that is not a conversation gives one without id.
    static Conversation fromJson(const QJsonObject& json);
    QJsonObject toJson() const;

    bool isEmpty() const { return messages_.isEmpty(); }
    const QList<ChatMessage>& messages() const { return messages_; }
    const QString& leaf() const { return leaf_; }
    /// The messages on screen, first to last.
    QList<ChatMessage> path() const { return pathTo(leaf_); }
    /// A message and all that stand before it, first to last.
    QList<ChatMessage> pathTo(const QString& messageId) const;
    /// The same without copies; the pointers live until the conversation changes.
    QList<const ChatMessage*> branchTo(const QString& messageId) const;
    /// Adds a message after `parent` (empty: a first one) and shows it; returns its id.
    QString add(const QString& parent, ChatRole role, const QString& text);
    /// Null when there is no such message. The pointer lives until the next add().
    ChatMessage* find(const QString& messageId);
    const ChatMessage* find(const QString& messageId) const;
    /// Ids of the messages that share this one's parent and role, oldest first.
    QStringList siblings(const QString& messageId) const;
    /// Shows the branch through this message, down to its newest leaf.
    void show(const QString& messageId);
    /// Whether the title or any message holds `text`, whatever its case.
    bool matches(const QString& text) const;
    /// The last message on screen that holds `text`, whatever its case; empty: none does.
    QString lastWith(const QString& text) const;
    bool operator==(const Conversation&) const = default;

private:
    void append(const ChatMessage& message);

    QList<ChatMessage> messages_;
    QString leaf_;
    QHash<QString, qsizetype> places_;          ///< in messages_, by id
    QHash<QString, QList<qsizetype>> children_; ///< in messages_, by parent
};

} // namespace caldera::studio

/// Thousands of them are moved about when a message is added.
Q_DECLARE_TYPEINFO(caldera::studio::ChatMessage, Q_RELOCATABLE_TYPE);
