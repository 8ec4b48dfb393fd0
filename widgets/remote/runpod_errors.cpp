#include "widgets/remote/runpod_errors.h"

#include <QCoreApplication>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLocale>

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr qsizetype kQuoteLength = 300; // characters of foreign text in a sentence

QString tr(const char* text) {
    return QCoreApplication::translate("RunPod", text);
}

/// What RunPod says itself, on one line, without the key.
QString detailOf(const RunpodReply& reply, const QString& key) {
    const QJsonObject problem = QJsonDocument::fromJson(reply.body).object();
    QString text = problem["detail"_L1].toString();
    if (text.isEmpty())
        text = problem["title"_L1].toString();
    for (const QJsonValue error : problem["errors"_L1].toArray())
        text += u' ' + error.toString();
    if (text.isEmpty())
        text = QString::fromUtf8(reply.body);
    if (!key.isEmpty())
        text.replace(key, u"…"_s); // before it is cut: half a key is one, too
    text = text.simplified();
    if (text.isEmpty())
        return tr("(no reason given)");
    return text.size() <= kQuoteLength ? text : text.left(kQuoteLength) + u'…';
}

Error error(const char* code, const QString& sentence, int status = 0) {
    return {code, sentence.toStdString(), {{"status", std::to_string(status)}}};
}

bool tellsOfCapacity(const QString& detail) {
    static const QStringList marks{u"capacity"_s,      u"no longer any instances"_s,
                                   u"not available"_s, u"unavailable"_s,
                                   u"no instances"_s,  u"out of stock"_s,
                                   u"resources"_s};
    for (const QString& mark : marks) {
        if (detail.contains(mark, Qt::CaseInsensitive))
            return true;
    }
    return false;
}

RunpodFailure networkFailure(const RunpodReply& reply) {
    switch (reply.network) {
    case QNetworkReply::SslHandshakeFailedError:
        return {
            error("pod.tls",
                  tr("RunPod's server could not prove who it is (%1), so no key was sent. Check "
                     "this machine's clock, its certificates and any proxy in between.")
                      .arg(reply.networkSentence))};
    case QNetworkReply::HostNotFoundError:
    case QNetworkReply::ConnectionRefusedError:
        return {error("pod.unreachable", tr("RunPod cannot be reached: %1. Check the network.")
                                             .arg(reply.networkSentence)),
                true};
    case QNetworkReply::OperationCanceledError:
    case QNetworkReply::TimeoutError:
        return {error("pod.unreachable",
                      tr("RunPod did not answer in time. Check the network, or try again later.")),
                true, true};
    default:
        return {
            error("pod.unreachable", tr("The connection to RunPod broke: %1. Check the network.")
                                         .arg(reply.networkSentence)),
            true, true};
    }
}

RunpodFailure busy(const RunpodReply& reply) {
    return {
        error("pod.busy",
              tr("RunPod takes no more requests from this account for now (429). Other programs "
                 "may use the same key; try again in a few minutes."),
              429),
        true, false, retryAfterSeconds(reply.retryAfter, reply.serverTime)};
}

RunpodFailure badRequest(const QString& detail) {
    if (tellsOfCapacity(detail))
        return {error("pod.no-capacity",
                      tr("RunPod has no such machine free now: %1. Choose another GPU or data "
                         "centre, or try again later.")
                          .arg(detail),
                      400)};
    return {error("pod.request", tr("RunPod did not take the request (400): %1").arg(detail), 400)};
}

} // namespace

std::optional<double> retryAfterSeconds(const QByteArray& header, const QDateTime& now) {
    bool isNumber = false;
    const double seconds = header.trimmed().toDouble(&isNumber);
    if (isNumber)
        return seconds >= 0 ? std::optional(seconds) : std::nullopt;
    QDateTime date = QLocale::c().toDateTime(QString::fromLatin1(header.trimmed()),
                                             u"ddd, dd MMM yyyy hh:mm:ss 'GMT'"_s);
    date.setTimeSpec(Qt::UTC);
    if (!date.isValid() || !now.isValid())
        return std::nullopt;
    return qMax(0.0, static_cast<double>(now.msecsTo(date)) / 1000.0);
}

std::optional<RunpodFailure> runpodFailure(const RunpodReply& reply, const QString& key) {
    const int status = reply.status;
    if (status == 0)
        return networkFailure(reply);
    if (status >= 200 && status < 300) {
        if (reply.network != QNetworkReply::NoError)
            return networkFailure(reply); // the answer broke off
        return std::nullopt;
    }
    const QString detail = detailOf(reply, key);
    switch (status) {
    case 400:
        return badRequest(detail);
    case 401:
        return {{error("pod.key-refused",
                       tr("RunPod refused the API key (401). Make a key in RunPod's settings and "
                          "enter it in Remotes."),
                       status)}};
    case 402:
        return {{error("pod.no-credit",
                       tr("The RunPod account has not enough credit (402): %1. Add credit on "
                          "RunPod's billing page, then start again.")
                           .arg(detail),
                       status)}};
    case 403:
        return {
            {error("pod.not-permitted",
                   tr("The RunPod key may not do this (403): %1. Give it permission to read and "
                      "write pods.")
                       .arg(detail),
                   status)}};
    case 404:
        return {
            {error("pod.gone", tr("RunPod does not know it (any more): %1").arg(detail), status)}};
    case 409:
        return {{error(
            "pod.conflict",
            tr("RunPod does not allow this in the pod's present state (409): %1").arg(detail),
            status)}};
    case 422:
        return {{error("pod.request",
                       tr("RunPod found a mistake in the request (422): %1. If the settings look "
                          "right, this version of the studio may be too old for RunPod's API.")
                           .arg(detail),
                       status)}};
    case 429:
        return busy(reply);
    default:
        break;
    }
    if (status >= 500 || status == 408)
        return {{error("pod.down",
                       tr("RunPod has a problem of its own (%1): %2. Try again later.")
                           .arg(status)
                           .arg(detail),
                       status),
                 true, true}};
    return {{error("pod.answer",
                   tr("RunPod's address answered %1, which its API does not do: %2. Check the "
                      "network for a proxy or a login page.")
                       .arg(status)
                       .arg(detail),
                   status)}};
}

} // namespace caldera::studio
