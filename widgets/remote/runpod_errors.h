// What went wrong with a request to RunPod: whether to repeat it, and a sentence to act on.
#pragma once

#include <optional>

#include <QByteArray>
#include <QDateTime>
#include <QNetworkReply>

#include "core/base/error.h"

namespace caldera::studio {

/// An answer as it came over the wire.
struct RunpodReply {
    QNetworkReply::NetworkError network = QNetworkReply::NoError;
    QString networkSentence; ///< of Qt
    int status = 0;          ///< of HTTP; 0: no answer
    QByteArray body;
    QByteArray retryAfter; ///< the header
    QDateTime serverTime;  ///< the Date header
};

struct RunpodFailure {
    Error error;
    bool again = false;  ///< the same request may succeed a little later
    bool unsure = false; ///< it may have been carried out although no answer says so
    std::optional<double> waitSeconds = std::nullopt; ///< what RunPod asks to wait
};

/// What is wrong with the reply; nothing when it is a success. `key` is struck out of every text
/// that comes from outside.
std::optional<RunpodFailure> runpodFailure(const RunpodReply& reply, const QString& key);

/// Seconds of a Retry-After header (a number or a date); nothing when it is neither.
std::optional<double> retryAfterSeconds(const QByteArray& header, const QDateTime& now);

} // namespace caldera::studio
