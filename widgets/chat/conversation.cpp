#include "widgets/chat/conversation.h"

#include <algorithm>

#include <QJsonArray>
#include <QStringList>
#include <QUuid>

#include "core/base/format_version.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr const char* kFormatName = "caldera-chat";
constexpr int kFormatMajor = 1;
constexpr qsizetype kTitleLength = 60;
constexpr qsizetype kLongestTitle = 200; // that is read

struct EndName {
    ChatEnd end = ChatEnd::Complete;
    QLatin1StringView name;
};
constexpr EndName kEndNames[] = {{ChatEnd::Complete, "complete"_L1},
                                 {ChatEnd::Length, "length"_L1},
                                 {ChatEnd::Stopped, "stopped"_L1},
                                 {ChatEnd::Failed, "failed"_L1},
                                 {ChatEnd::Streaming, "streaming"_L1}};

QString endName(ChatEnd end) {
    for (const EndName& entry : kEndNames) {
        if (entry.end == end)
            return entry.name;
    }
    return {};
}

/// An answer that was streaming when the program ended was stopped by that.
ChatEnd parseEnd(const QString& name) {
    for (const EndName& entry : kEndNames) {
        if (entry.name == name && entry.end != ChatEnd::Streaming)
            return entry.end;
    }
    return ChatEnd::Stopped;
}

FormatFit fitOf(const QJsonObject& json) {
    return formatFit(json["format"_L1].toString().toStdString(), kFormatName, kFormatMajor);
}

QString newId() {
    return QUuid::createUuid().toString(QUuid::WithoutBraces);
}

QString titleFrom(const QString& question) {
    const QString line = question.simplified();
    return line.size() <= kTitleLength ? line : line.left(kTitleLength - 1).trimmed() + u'…';
}

QJsonObject messageToJson(const ChatMessage& message) {
    QJsonObject json{{u"id"_s, message.id},
                     {u"parent"_s, message.parent},
                     {u"role"_s, message.role == ChatRole::User ? u"user"_s : u"assistant"_s},
                     {u"text"_s, message.text},
                     {u"time"_s, message.time.toString(Qt::ISODateWithMs)}};
    if (message.role == ChatRole::Assistant) {
        json[u"end"_s] = endName(message.end);
        json[u"model"_s] = message.model;
        json[u"caldera"_s] = message.statistics.toJson();
    }
    if (!message.error.isEmpty())
        json[u"error"_s] = message.error;
    return json;
}

ChatMessage messageFromJson(const QJsonObject& json) {
    ChatMessage message;
    message.id = json["id"_L1].toString();
    message.parent = json["parent"_L1].toString();
    message.text = json["text"_L1].toString();
    message.time = QDateTime::fromString(json["time"_L1].toString(), Qt::ISODateWithMs);
    message.error = json["error"_L1].toString();
    message.model = json["model"_L1].toString();
    if (json["role"_L1].toString() == "assistant"_L1) {
        message.role = ChatRole::Assistant;
        message.end = parseEnd(json["end"_L1].toString());
        message.statistics = ChatStatistics::fromJson(json["caldera"_L1].toObject());
    }
    return message;
}

} // namespace

ChatSampling ChatSampling::fromJson(const QJsonObject& json) {
    ChatSampling sampling;
    const auto number = [&json](QLatin1StringView name, double least, double usual, double most) {
        return qBound(least, json[name].toDouble(usual), most);
    };
    sampling.temperature = number("temperature"_L1, 0, sampling.temperature, kMostTemperature);
    sampling.topP = number("top_p"_L1, kLeastTopP, sampling.topP, 1);
    sampling.topK = qBound(0, json["top_k"_L1].toInt(sampling.topK), kMostTokens);
    sampling.minP = number("min_p"_L1, 0, sampling.minP, 1);
    sampling.repetitionPenalty = number("repetition_penalty"_L1, kLeastRepetition,
                                        sampling.repetitionPenalty, kMostRepetition);
    sampling.maxTokens = qBound(1, json["max_tokens"_L1].toInt(sampling.maxTokens), kMostTokens);
    sampling.seed = qBound(qint64{-1}, json["seed"_L1].toInteger(sampling.seed),
                           qint64{kMostSeed}); // -1: drawn
    return sampling;
}

QJsonObject ChatSampling::toJson() const {
    return {{u"temperature"_s, temperature},
            {u"top_p"_s, topP},
            {u"top_k"_s, topK},
            {u"min_p"_s, minP},
            {u"repetition_penalty"_s, repetitionPenalty},
            {u"max_tokens"_s, maxTokens},
            {u"seed"_s, seed}};
}

ChatStatistics ChatStatistics::fromJson(const QJsonObject& json) {
    ChatStatistics figures;
    figures.promptTokens = json["prompt_tokens"_L1].toInt(-1);
    figures.reusedTokens = json["reused_tokens"_L1].toInt(-1);
    figures.generatedTokens = json["generated_tokens"_L1].toInt(-1);
    figures.timeToFirstToken = json["time_to_first_token"_L1].toDouble(-1);
    figures.promptTokensPerSecond = json["prompt_tokens_per_second"_L1].toDouble(-1);
    figures.tokensPerSecond = json["tokens_per_second"_L1].toDouble(-1);
    figures.p50 = json["p50"_L1].toDouble(-1);
    figures.p95 = json["p95"_L1].toDouble(-1);
    figures.p99 = json["p99"_L1].toDouble(-1);
    figures.weightBytes = json["weight_bytes"_L1].toInteger(-1);
    figures.cacheBytes = json["cache_bytes"_L1].toInteger(-1);
    return figures;
}

QJsonObject ChatStatistics::toJson() const {
    QJsonObject json;
    const auto put = [&json](QLatin1StringView name, auto value) {
        if (value >= 0)
            json[name] = value;
    };
    put("prompt_tokens"_L1, promptTokens);
    put("reused_tokens"_L1, reusedTokens);
    put("generated_tokens"_L1, generatedTokens);
    put("time_to_first_token"_L1, timeToFirstToken);
    put("prompt_tokens_per_second"_L1, promptTokensPerSecond);
    put("tokens_per_second"_L1, tokensPerSecond);
    put("p50"_L1, p50);
    put("p95"_L1, p95);
    put("p99"_L1, p99);
    put("weight_bytes"_L1, weightBytes);
    put("cache_bytes"_L1, cacheBytes);
    return json;
}

Conversation Conversation::create() {
    Conversation conversation;
    conversation.id = newId();
    conversation.created = conversation.updated = QDateTime::currentDateTimeUtc();
    return conversation;
}

bool Conversation::isNewer(const QJsonObject& json) {
    return fitOf(json) == FormatFit::Newer;
}

Conversation Conversation::fromJson(const QJsonObject& json) {
    Conversation conversation;
    if (fitOf(json) != FormatFit::Readable)
        return conversation;
    conversation.id = json["id"_L1].toString();
    conversation.title = json["title"_L1].toString().left(kLongestTitle).simplified();
    conversation.titled = json["titled"_L1].toBool();
    conversation.created = QDateTime::fromString(json["created"_L1].toString(), Qt::ISODateWithMs);
    conversation.updated = QDateTime::fromString(json["updated"_L1].toString(), Qt::ISODateWithMs);
    conversation.systemPrompt = json["system_prompt"_L1].toString();
    conversation.sampling = ChatSampling::fromJson(json["sampling"_L1].toObject());
    for (const auto& value : json["messages"_L1].toArray()) {
        const ChatMessage message = messageFromJson(value.toObject());
        // A parent always stands before its children, so no loop can be read.
        const bool hangs = message.parent.isEmpty() || conversation.find(message.parent);
        if (!message.id.isEmpty() && !conversation.find(message.id) && hangs)
            conversation.append(message);
    }
    const QString leaf = json["leaf"_L1].toString();
    if (conversation.find(leaf))
        conversation.leaf_ = leaf;
    else if (!conversation.messages_.isEmpty())
        conversation.leaf_ = conversation.messages_.last().id;
    return conversation;
}

QJsonObject Conversation::toJson() const {
    QJsonArray messages;
    for (const ChatMessage& message : messages_)
        messages.append(messageToJson(message));
    return {{u"format"_s, QString::fromStdString(formatText(kFormatName, kFormatMajor))},
            {u"id"_s, id},
            {u"title"_s, title},
            {u"titled"_s, titled},
            {u"created"_s, created.toString(Qt::ISODateWithMs)},
            {u"updated"_s, updated.toString(Qt::ISODateWithMs)},
            {u"system_prompt"_s, systemPrompt},
            {u"sampling"_s, sampling.toJson()},
            {u"leaf"_s, leaf_},
            {u"messages"_s, messages}};
}

QList<const ChatMessage*> Conversation::branchTo(const QString& messageId) const {
    QList<const ChatMessage*> branch;
    branch.reserve(messages_.size());
    for (const ChatMessage* message = find(messageId); message; message = find(message->parent))
        branch.append(message);
    std::reverse(branch.begin(), branch.end());
    return branch;
}

QList<ChatMessage> Conversation::pathTo(const QString& messageId) const {
    QList<ChatMessage> path;
    path.reserve(messages_.size());
    for (const ChatMessage* message : branchTo(messageId))
        path.append(*message);
    return path;
}

QString Conversation::add(const QString& parent, ChatRole role, const QString& text) {
    ChatMessage message;
    message.id = newId();
    message.parent = parent;
    message.role = role;
    message.text = text;
    message.time = QDateTime::currentDateTimeUtc();
    append(message);
    leaf_ = message.id;
    updated = message.time;
    if (!titled && role == ChatRole::User && (title.isEmpty() || parent.isEmpty()))
        title = titleFrom(text);
    return message.id;
}

void Conversation::append(const ChatMessage& message) {
    places_.insert(message.id, messages_.size());
    children_[message.parent].append(messages_.size());
    messages_.append(message);
}

const ChatMessage* Conversation::find(const QString& messageId) const {
    const qsizetype place = places_.value(messageId, -1);
    return place < 0 ? nullptr : &messages_[place];
}

ChatMessage* Conversation::find(const QString& messageId) {
    const qsizetype place = places_.value(messageId, -1);
    return place < 0 ? nullptr : &messages_[place];
}

QStringList Conversation::siblings(const QString& messageId) const {
    QStringList ids;
    const ChatMessage* message = find(messageId);
    if (!message)
        return ids;
    for (const qsizetype place : children_.value(message->parent)) {
        if (messages_[place].role == message->role)
            ids.append(messages_[place].id);
    }
    return ids;
}

void Conversation::show(const QString& messageId) {
    if (!find(messageId))
        return;
    leaf_ = messageId;
    // The last child is the newest.
    for (auto children = children_.constFind(leaf_); children != children_.constEnd();
         children = children_.constFind(leaf_))
        leaf_ = messages_[children->last()].id;
}

bool Conversation::matches(const QString& text) const {
    if (title.contains(text, Qt::CaseInsensitive))
        return true;
    return std::any_of(messages_.begin(), messages_.end(), [&text](const ChatMessage& message) {
        return message.text.contains(text, Qt::CaseInsensitive);
    });
}

QString Conversation::lastWith(const QString& text) const {
    for (const ChatMessage* message = find(leaf_); message; message = find(message->parent)) {
        if (message->text.contains(text, Qt::CaseInsensitive))
            return message->id;
    }
    return {};
}

} // namespace caldera::studio
