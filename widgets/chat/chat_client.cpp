#include "widgets/chat/chat_client.h"

#include <QJsonDocument>
#include <QNetworkProxy>
#include <QNetworkReply>
#include <QNetworkRequest>
#include <QRandomGenerator>
#include <QtConcurrent>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr qsizetype kRefusalLimit = 64 << 10;
constexpr qsizetype kQuoteLength = 120; // characters of foreign bytes that a sentence shows

/// The sentence of an OpenAI error object, or an empty text.
QString errorSentence(const QJsonObject& answer) {
    const QJsonValue error = answer["error"_L1];
    if (error.isString())
        return error.toString();
    return error.toObject()["message"_L1].toString();
}

QString quoted(const QByteArray& bytes) {
    const QString text = QString::fromUtf8(bytes).simplified();
    return text.size() <= kQuoteLength ? text : text.left(kQuoteLength) + u'…';
}

} // namespace

QJsonArray ChatRequest::turns() const {
    QJsonArray all;
    if (!systemPrompt.isEmpty())
        all.append(QJsonObject{{u"role"_s, u"system"_s}, {u"content"_s, systemPrompt}});
    for (const ChatMessage& message : messages) {
        const bool user = message.role == ChatRole::User;
        all.append(QJsonObject{{u"role"_s, user ? u"user"_s : u"assistant"_s},
                               {u"content"_s, message.text}});
    }
    return all;
}

QJsonObject ChatRequest::scoreJson(const QList<int>& tokens, int most) const {
    QJsonArray ids;
    for (const int token : tokens)
        ids.append(token);
    QJsonObject json{{u"messages"_s, turns()}, {u"top_logprobs"_s, most}};
    if (!ids.isEmpty())
        json[u"tokens"_s] = ids;
    return json;
}

QJsonObject ChatRequest::toJson() const {
    const qint64 seed =
        sampling.seed >= 0 ? sampling.seed : QRandomGenerator::global()->bounded(1 << 30);
    QJsonObject json{{u"model"_s, model},
                     {u"messages"_s, turns()},
                     {u"stream"_s, true},
                     {u"temperature"_s, sampling.temperature},
                     {u"top_p"_s, sampling.topP},
                     {u"max_tokens"_s, sampling.maxTokens},
                     {u"seed"_s, seed}};
    // Not part of OpenAI's protocol: sent only where they differ from doing nothing.
    if (sampling.topK > 0)
        json[u"top_k"_s] = sampling.topK;
    if (sampling.minP > 0)
        json[u"min_p"_s] = sampling.minP;
    if (likeliest >= 0) {
        json[u"logprobs"_s] = true;
        json[u"top_logprobs"_s] = likeliest;
    }
    if (continues)
        json[u"continue_final_message"_s] = true;
    if (sampling.repetitionPenalty != 1.0)
        json[u"repetition_penalty"_s] = sampling.repetitionPenalty;
    return json;
}

ChatClient::ChatClient(QObject* parent) : QObject(parent) {
    // The engine is on this machine: a proxy of the desktop has no part in it.
    network_.setProxy(QNetworkProxy::NoProxy);
}

ChatClient::~ChatClient() {
    drop();
}

QNetworkRequest ChatClient::requestTo(const QUrl& server, const QString& path) const {
    QUrl url = server;
    url.setPath(path);
    QNetworkRequest request(url);
    // A redirection would send the conversation, and the token, to somebody else.
    request.setAttribute(QNetworkRequest::RedirectPolicyAttribute,
                         QNetworkRequest::ManualRedirectPolicy);
    if (!token_.isEmpty())
        request.setRawHeader("Authorization", "Bearer " + token_);
    return request;
}

void ChatClient::send(const QUrl& server, const ChatRequest& request) {
    post(server, u"/v1/chat/completions"_s, [request] { return request.toJson(); });
}

void ChatClient::score(const QUrl& server, const ChatRequest& question, const QList<int>& tokens,
                       int most) {
    post(server, u"/caldera/v1/scores"_s, [question, tokens, most] {
        QJsonObject body = question.scoreJson(tokens, most);
        body[u"stream"_s] = true;
        return body;
    });
}

void ChatClient::post(const QUrl& server, const QString& path,
                      const std::function<QJsonObject()>& body) {
    drop();
    parser_ = {};
    refusal_.clear();
    statistics_ = {};
    end_ = ChatEnd::Streaming;
    done_ = false;
    QNetworkRequest request = requestTo(server, path);
    request.setHeader(QNetworkRequest::ContentTypeHeader, u"application/json"_s);
    request.setRawHeader("Accept", "text/event-stream");
    isMaking_ = true;
    QtConcurrent::run([body] {
        return QJsonDocument(body()).toJson(QJsonDocument::Compact);
    }).then(this, [this, request, number = posts_](const QByteArray& bytes) {
        if (number != posts_)
            return;
        isMaking_ = false;
        reply_ = network_.post(request, bytes);
        connect(reply_, &QNetworkReply::readyRead, this, &ChatClient::read);
        connect(reply_, &QNetworkReply::finished, this, &ChatClient::end);
    });
}

void ChatClient::describe(const QUrl& server) {
    get(server, u"/v1/models"_s, [this](const QJsonObject& answer) {
        const QJsonObject model = answer["data"_L1].toArray().at(0).toObject();
        if (!model.isEmpty())
            Q_EMIT described(model["id"_L1].toString(), model["context_length"_L1].toInt());
    });
}

void ChatClient::survey(const QUrl& server) {
    get(server, u"/caldera/v1/statistics"_s, [this](const QJsonObject& answer) {
        const double memory = answer["read_bytes_per_second"_L1].toDouble();
        const double weights = answer["weight_bytes"_L1].toDouble();
        if (memory > 0 && weights > 0)
            Q_EMIT bounded(memory / weights);
        const QJsonObject gpu = answer["gpu"_L1].toObject();
        if (gpu["total_bytes"_L1].toInteger() > 0)
            Q_EMIT gpuTold({gpu["busy"_L1].toDouble(-1), gpu["used_bytes"_L1].toInteger(),
                            gpu["total_bytes"_L1].toInteger(),
                            answer["device_bytes"_L1].toInteger()});
    });
}

void ChatClient::swapCells(const QUrl& server, const QStringList& cells) {
    const QJsonObject body{{u"cells"_s, QJsonArray::fromStringList(cells)},
                           {u"source"_s, u"original"_s}};
    change(server, u"/caldera/v1/swaps"_s, QJsonDocument(body).toJson(QJsonDocument::Compact));
}

void ChatClient::undoSwap(const QUrl& server) {
    change(server, u"/caldera/v1/swaps/undo"_s, {});
}

void ChatClient::change(const QUrl& server, const QString& path, const QByteArray& body) {
    QNetworkRequest request = requestTo(server, path);
    request.setHeader(QNetworkRequest::ContentTypeHeader, u"application/json"_s);
    QNetworkReply* reply = network_.post(request, body);
    connect(reply, &QNetworkReply::finished, this, [this, reply] {
        reply->deleteLater();
        const QJsonObject answer = QJsonDocument::fromJson(reply->readAll()).object();
        if (reply->error() == QNetworkReply::NoError)
            Q_EMIT swapped(static_cast<int>(answer["cells"_L1].toArray().size()));
        else
            Q_EMIT swapFailed(errorSentence(answer).isEmpty() ? reply->errorString()
                                                              : errorSentence(answer),
                              answer["error"_L1]["code"_L1] == "engine.swap"_L1);
    });
}

void ChatClient::get(const QUrl& server, const QString& path,
                     const std::function<void(const QJsonObject&)>& take) {
    QNetworkReply* reply = network_.get(requestTo(server, path));
    connect(reply, &QNetworkReply::finished, this, [reply, take] {
        reply->deleteLater();
        if (reply->error() == QNetworkReply::NoError)
            take(QJsonDocument::fromJson(reply->readAll()).object());
    });
}

void ChatClient::cancel() {
    drop();
}

void ChatClient::drop() {
    ++posts_;
    isMaking_ = false;
    if (!reply_)
        return;
    QNetworkReply* reply = reply_;
    reply_.clear();
    reply->disconnect(this);
    reply->abort();
    reply->deleteLater();
}

void ChatClient::read() {
    const QPointer<QNetworkReply> reply = reply_;
    const QByteArray bytes = reply->readAll();
    const int status = reply->attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();
    const QString type = reply->header(QNetworkRequest::ContentTypeHeader).toString();
    if (status != 200 || !type.startsWith("text/event-stream"_L1)) {
        refusal_.append(bytes.left(kRefusalLimit - refusal_.size()));
        return;
    }
    for (const QByteArray& data : parser_.feed(bytes)) {
        take(data);
        // A receiver may have cancelled, or sent the next request.
        if (reply.isNull() || reply != reply_)
            return;
    }
    if (parser_.overflowed())
        fail(tr("The server sent one event of more than %1 MiB, which no answer needs. What came "
                "before is kept; check that the address is that of a chat server.")
                 .arg(SseParser::kLimit >> 20));
}

void ChatClient::take(const QByteArray& data) {
    if (data == "[DONE]") {
        done_ = true;
        return;
    }
    const QJsonDocument document = QJsonDocument::fromJson(data);
    if (!document.isObject()) {
        fail(tr("The server sent \"%1\" where a JSON object was needed. What came before is kept; "
                "ask again.")
                 .arg(quoted(data)));
        return;
    }
    const QJsonObject chunk = document.object();
    const QString refusal = errorSentence(chunk);
    if (!refusal.isEmpty()) {
        fail(refusal);
        return;
    }
    if (chunk.contains("caldera"_L1))
        statistics_ = ChatStatistics::fromJson(chunk["caldera"_L1].toObject());
    if (statistics_.generatedTokens > 0 && chunk.contains("caldera"_L1))
        Q_EMIT counted(statistics_.generatedTokens);
    const QJsonObject usage = chunk["usage"_L1].toObject();
    if (statistics_.promptTokens < 0)
        statistics_.promptTokens = usage["prompt_tokens"_L1].toInt(-1);
    if (statistics_.generatedTokens < 0)
        statistics_.generatedTokens = usage["completion_tokens"_L1].toInt(-1);
    const QJsonObject choice = chunk["choices"_L1].toArray().at(0).toObject();
    const QString reason = choice["finish_reason"_L1].toString();
    if (!reason.isEmpty())
        end_ = reason == "length"_L1 ? ChatEnd::Length : ChatEnd::Complete;
    const QJsonArray scored = chunk["tokens"_L1].toArray();
    const QJsonArray said = choice["logprobs"_L1].toObject()["content"_L1].toArray();
    if (!scored.isEmpty() || !said.isEmpty())
        Q_EMIT tokens(scored.isEmpty() ? said : scored);
    const QString text = choice["delta"_L1].toObject()["content"_L1].toString();
    if (!text.isEmpty())
        Q_EMIT delta(text);
}

void ChatClient::end() {
    QNetworkReply* reply = reply_;
    if (reply->bytesAvailable() > 0) {
        read();
        if (reply != reply_)
            return;
    }
    const int status = reply->attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();
    const QString where = reply->url().authority();
    const bool streamed = status == 200 && refusal_.isEmpty();
    if (streamed && (end_ != ChatEnd::Streaming || done_)) {
        const ChatEnd how = end_ == ChatEnd::Streaming ? ChatEnd::Complete : end_;
        reply->deleteLater();
        reply_.clear();
        Q_EMIT finished(how, statistics_);
        return;
    }
    const QString refusal = errorSentence(QJsonDocument::fromJson(refusal_).object());
    if (!refusal.isEmpty())
        fail(refusal);
    else if (streamed)
        fail(tr("The connection to %1 ended in the middle of the answer. What came is kept; ask "
                "again, or look at the engine's messages.")
                 .arg(where));
    else if (status == 0)
        fail(tr("The engine at %1 does not answer: %2. Ask again when it is back.")
                 .arg(where, reply->errorString()));
    else
        fail(tr("The server at %1 answered %2 instead of a stream: \"%3\". A server with "
                "/v1/chat/completions is needed.")
                 .arg(where)
                 .arg(status)
                 .arg(quoted(refusal_)));
}

void ChatClient::fail(const QString& sentence) {
    drop();
    Q_EMIT failed(sentence);
}

} // namespace caldera::studio
