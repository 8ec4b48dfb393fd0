// Requests to RunPod's REST API: one after the other's answer, repeated with patience.
#pragma once

#include <chrono>
#include <memory>

#include <QDateTime>
#include <QFuture>
#include <QJsonObject>
#include <QNetworkAccessManager>
#include <QObject>
#include <QUrl>
#include <QUrlQuery>

#include "widgets/remote/runpod_errors.h"

namespace caldera::studio {

/// How long, how often. Waits double from the first to the longest, each cut by up to a half at
/// random, so that many clients do not come back together.
struct RunpodPatience {
    int attempts = 6;
    std::chrono::milliseconds firstWait{500};
    std::chrono::milliseconds longestWait{30'000};
    std::chrono::milliseconds answer{60'000};      ///< for the whole of it
    std::chrono::milliseconds retryAfter{300'000}; ///< longest wait that RunPod may ask for
};

struct RunpodAnswer {
    QJsonObject body;
    QDateTime serverTime; ///< RunPod's clock; invalid when it did not tell
};

class RunpodClient : public QObject {
    Q_OBJECT
public:
    static constexpr qint64 kAnswerLimit = 8 << 20; ///< bytes

    enum class Repeat {
        Freely,      ///< the request can be carried out twice without harm
        WhenRefused, ///< only when it was surely not carried out; else Error("pod.unsure")
    };

    /// `base`: "https://api.runpod.io/v2". The key goes into a header and nowhere else.
    RunpodClient(QUrl base, QString key, RunpodPatience patience, QObject* parent = nullptr);
    ~RunpodClient() override;

    QFuture<RunpodAnswer> get(const QString& path, const QUrlQuery& query = {});
    QFuture<RunpodAnswer> post(const QString& path, const QJsonObject& body, Repeat repeat);
    QFuture<RunpodAnswer> remove(const QString& path);

    const RunpodPatience& patience() const { return patience_; }
    /// The wait before attempt number `attempt` (1 is the first repetition).
    std::chrono::milliseconds waitBefore(int attempt) const;

private:
    struct Call;
    using CallPointer = std::shared_ptr<Call>;

    QFuture<RunpodAnswer> start(const QByteArray& verb, const QString& path, const QUrlQuery& query,
                                const QByteArray& body, Repeat repeat);
    void send(const CallPointer& call);
    void take(const CallPointer& call, QNetworkReply* reply);
    void takeFailure(const CallPointer& call, const RunpodFailure& failure);

    QUrl base_;
    QString key_;
    RunpodPatience patience_;
    QNetworkAccessManager network_;
};

} // namespace caldera::studio
