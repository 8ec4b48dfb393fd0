#include "widgets/remote/runpod_client.h"

#include <algorithm>

#include <QJsonDocument>
#include <QLocale>
#include <QNetworkReply>
#include <QNetworkRequest>
#include <QPromise>
#include <QRandomGenerator>
#include <QTimer>

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

struct RunpodClient::Call {
    QNetworkRequest request;
    QByteArray verb;
    QByteArray body;
    Repeat repeat;
    int attempt = 0;
    bool tooLarge = false;
    QPromise<RunpodAnswer> promise;

    void fail(const Error& error) {
        promise.setException(std::make_exception_ptr(error));
        promise.finish();
    }
};

namespace {

constexpr int kNoContent = 204;

QDateTime dateHeader(const QNetworkReply& reply) {
    QDateTime date = QLocale::c().toDateTime(QString::fromLatin1(reply.rawHeader("Date")),
                                             u"ddd, dd MMM yyyy hh:mm:ss 'GMT'"_s);
    date.setTimeSpec(Qt::UTC);
    return date;
}

RunpodReply replyOf(QNetworkReply& reply) {
    return {reply.error(),
            reply.errorString(),
            reply.attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt(),
            reply.isOpen() ? reply.readAll() : QByteArray(),
            reply.rawHeader("Retry-After"),
            dateHeader(reply)};
}

/// A success without a JSON object in it; a repetition may bring a whole one.
RunpodFailure notJson(const QByteArray& body) {
    return {Error("pod.answer", RunpodClient::tr("RunPod's answer of %1 bytes is no JSON object. "
                                                 "Check the network for a proxy or a login page.")
                                    .arg(body.size())
                                    .toStdString()),
            true, true};
}

} // namespace

RunpodClient::RunpodClient(QUrl base, QString key, RunpodPatience patience, QObject* parent)
    : QObject(parent), base_(std::move(base)), key_(std::move(key)), patience_(patience) {}

RunpodClient::~RunpodClient() = default;

QFuture<RunpodAnswer> RunpodClient::get(const QString& path, const QUrlQuery& query) {
    return start("GET", path, query, {}, Repeat::Freely);
}

QFuture<RunpodAnswer> RunpodClient::post(const QString& path, const QJsonObject& body,
                                         Repeat repeat) {
    return start("POST", path, {}, QJsonDocument(body).toJson(QJsonDocument::Compact), repeat);
}

QFuture<RunpodAnswer> RunpodClient::remove(const QString& path) {
    return start("DELETE", path, {}, {}, Repeat::Freely);
}

std::chrono::milliseconds RunpodClient::waitBefore(int attempt) const {
    const int doublings = std::clamp(attempt - 1, 0, 20);
    const auto whole =
        std::min(patience_.firstWait * (int64_t{1} << doublings), patience_.longestWait);
    const double part = 0.5 + 0.5 * QRandomGenerator::global()->generateDouble();
    return std::chrono::milliseconds(
        static_cast<int64_t>(static_cast<double>(whole.count()) * part));
}

QFuture<RunpodAnswer> RunpodClient::start(const QByteArray& verb, const QString& path,
                                          const QUrlQuery& query, const QByteArray& body,
                                          Repeat repeat) {
    QUrl url = base_;
    url.setPath(base_.path() + path);
    url.setQuery(query);
    QNetworkRequest request(url);
    request.setRawHeader("Authorization", "Bearer " + key_.toLatin1());
    request.setRawHeader("Accept", "application/json");
    if (!body.isEmpty())
        request.setHeader(QNetworkRequest::ContentTypeHeader, u"application/json"_s);
    // A redirection would hand the key to somebody else.
    request.setAttribute(QNetworkRequest::RedirectPolicyAttribute,
                         QNetworkRequest::ManualRedirectPolicy);
    request.setAttribute(QNetworkRequest::CacheSaveControlAttribute, false);
    auto call = std::make_shared<Call>();
    call->request = request;
    call->verb = verb;
    call->body = body;
    call->repeat = repeat;
    call->promise.start();
    send(call);
    return call->promise.future();
}

void RunpodClient::send(const CallPointer& call) {
    ++call->attempt;
    call->tooLarge = false;
    QNetworkReply* reply = network_.sendCustomRequest(call->request, call->verb, call->body);
    connect(reply, &QNetworkReply::downloadProgress, this,
            [call, reply](qint64 received, qint64 total) {
                if (std::max(received, total) <= kAnswerLimit)
                    return;
                call->tooLarge = true;
                reply->abort();
            });
    // Qt's own limit begins anew with each byte, and a byte now and then is no answer.
    QTimer::singleShot(patience_.answer, reply, &QNetworkReply::abort);
    connect(reply, &QNetworkReply::finished, this, [this, call, reply] {
        reply->deleteLater();
        take(call, reply);
    });
}

void RunpodClient::take(const CallPointer& call, QNetworkReply* reply) {
    if (call->tooLarge) {
        takeFailure(call, {Error("pod.answer", tr("RunPod's answer is larger than %1 MiB, which no "
                                                  "answer needs. Check the network for a proxy.")
                                                   .arg(kAnswerLimit >> 20)
                                                   .toStdString()),
                           false, true});
        return;
    }
    const RunpodReply answer = replyOf(*reply);
    if (const auto failure = runpodFailure(answer, key_)) {
        takeFailure(call, *failure);
        return;
    }
    const QJsonDocument document = QJsonDocument::fromJson(answer.body);
    if (!document.isObject() && answer.status != kNoContent) {
        takeFailure(call, notJson(answer.body));
        return;
    }
    call->promise.addResult(RunpodAnswer{document.object(), answer.serverTime});
    call->promise.finish();
}

void RunpodClient::takeFailure(const CallPointer& call, const RunpodFailure& failure) {
    if (failure.unsure && call->repeat == Repeat::WhenRefused) {
        call->fail(Error("pod.unsure", failure.error.what()));
        return;
    }
    const auto asked = std::chrono::milliseconds(
        static_cast<int64_t>(std::min(failure.waitSeconds.value_or(0), 1e9) * 1000));
    if (!failure.again || call->attempt >= patience_.attempts || asked > patience_.retryAfter) {
        call->fail(failure.error);
        return;
    }
    QTimer::singleShot(std::max(asked, waitBefore(call->attempt)), this,
                       [this, call] { send(call); });
}

} // namespace caldera::studio
