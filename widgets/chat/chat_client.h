// Talks to an OpenAI-compatible server: one streamed answer at a time.
#pragma once

#include <QJsonArray>
#include <QNetworkAccessManager>
#include <QObject>
#include <QPointer>
#include <QUrl>

#include <functional>

#include "widgets/chat/conversation.h"
#include "widgets/chat/gpu_figures.h"
#include "widgets/chat/sse_parser.h"

class QNetworkReply;

namespace caldera::studio {

/// One request: the system prompt (empty: none), the messages on screen and the sampling.
struct ChatRequest {
    QString model;
    QString systemPrompt;
    QList<ChatMessage> messages;
    ChatSampling sampling;
    bool continues = false; ///< the last message is the beginning of the answer
    int likeliest = -1;     ///< 0 or more: tokens come with the chances of so many likeliest ones

    QJsonObject toJson() const;
    /// What asks how likely an answer to this question is: ids of its tokens; none: the answer is
    /// the last message.
    QJsonObject scoreJson(const QList<int>& tokens, int most) const;

private:
    QJsonArray turns() const;
};

/// After send() comes any number of delta() and then exactly one of finished(), failed(), or
/// nothing more when cancel() was called.
class ChatClient : public QObject {
    Q_OBJECT
public:
    explicit ChatClient(QObject* parent = nullptr);
    ~ChatClient() override;

    /// Requests to come bear this token; empty: none.
    void setToken(const QByteArray& token) { token_ = token; }
    /// `server` without path, for example http://127.0.0.1:8080. An answer under way is cancelled.
    void send(const QUrl& server, const ChatRequest& request);
    /// Asks a server of ours for the chances of an answer's tokens; tokens() and finished() follow.
    void score(const QUrl& server, const ChatRequest& question, const QList<int>& tokens, int most);
    /// Ends the answer; the connection closes, which stops the engine.
    void cancel();
    /// Asks what is served; described() follows when the server knows. Says nothing otherwise.
    void describe(const QUrl& server);
    /// Asks a server of ours about its machine: how fast one chat could be, which it measures the
    /// first time that it answers nothing, and how busy its GPU is. bounded() and gpuTold() follow
    /// where it knows.
    void survey(const QUrl& server);
    /// Gives cells of a server of ours their original weights, or takes the last such step back;
    /// swapped() or swapFailed() follows.
    void swapCells(const QUrl& server, const QStringList& cells);
    void undoSwap(const QUrl& server);
    bool busy() const { return isMaking_ || !reply_.isNull(); }

Q_SIGNALS:
    void delta(const QString& text);
    /// So many tokens of the answer have come; only servers of ours say it, now and then.
    void counted(int tokens);
    /// What is known about tokens, as OpenAI's "logprobs" list it; comes before their text.
    void tokens(const QJsonArray& known);
    /// `end` is Complete or Length.
    void finished(ChatEnd end, const ChatStatistics& statistics);
    void failed(const QString& sentence);
    /// `contextLength` is 0 when the server does not tell it.
    void described(const QString& model, int contextLength);
    /// What bounds the speed of one chat, in tokens a second; only servers of ours know it.
    void bounded(double tokensPerSecond);
    void gpuTold(const GpuFigures& figures);
    /// So many cells have other weights than the artifact's now.
    void swapped(int cells);
    /// `needsProcessor`: the engine computes on a GPU, where cells keep their weights.
    void swapFailed(const QString& sentence, bool needsProcessor);

private:
    void get(const QUrl& server, const QString& path,
             const std::function<void(const QJsonObject&)>& take);
    void change(const QUrl& server, const QString& path, const QByteArray& body);
    /// `body` is called on another thread: a long conversation takes a while to write down.
    void post(const QUrl& server, const QString& path, const std::function<QJsonObject()>& body);
    void read();
    void take(const QByteArray& data);
    void end();
    void fail(const QString& sentence);
    void drop();

    QNetworkRequest requestTo(const QUrl& server, const QString& path) const;

    QNetworkAccessManager network_;
    QByteArray token_;
    QPointer<QNetworkReply> reply_;
    int posts_ = 0; ///< begun and dropped; what was made for an earlier one is thrown away
    bool isMaking_ = false;
    SseParser parser_;
    QByteArray refusal_; ///< body of an answer that is not a stream
    ChatStatistics statistics_;
    ChatEnd end_ = ChatEnd::Streaming;
    bool done_ = false; ///< "[DONE]" came
};

} // namespace caldera::studio
