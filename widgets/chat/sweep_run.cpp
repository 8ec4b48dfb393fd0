#include "widgets/chat/sweep_run.h"

#include <algorithm>

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QFileInfo>
#include <QJsonArray>
#include <QJsonDocument>
#include <QSaveFile>

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr qsizetype kMostRuns = 200;
constexpr qint64 kFileLimit = 16 << 20;

SweepPoint pointFrom(const QJsonObject& json) {
    return {json["prompt_tokens"_L1].toInt(),
            json["chats"_L1].toInt(),
            json["time_to_first_token"_L1].toDouble(),
            json["prompt_tokens_per_second"_L1].toDouble(),
            json["tokens_per_second"_L1].toDouble(),
            json["p50"_L1].toDouble(),
            json["p95"_L1].toDouble(),
            json["p99"_L1].toDouble(),
            json["roofline_share"_L1].toDouble(-1)};
}

QJsonObject pointTo(const SweepPoint& point) {
    QJsonObject json{{u"prompt_tokens"_s, point.promptTokens},
                     {u"chats"_s, point.chats},
                     {u"time_to_first_token"_s, point.firstToken},
                     {u"prompt_tokens_per_second"_s, point.promptSpeed},
                     {u"tokens_per_second"_s, point.speed},
                     {u"p50"_s, point.p50},
                     {u"p95"_s, point.p95},
                     {u"p99"_s, point.p99}};
    if (point.rooflineShare >= 0)
        json[u"roofline_share"_s] = point.rooflineShare;
    return json;
}

} // namespace

SweepRun SweepRun::fromJson(const QJsonObject& json) {
    SweepRun run;
    run.model = json["model"_L1].toString();
    run.artifact = json["artifact"_L1].toString();
    run.device = json["device"_L1].toString();
    run.time = QDateTime::fromString(json["time"_L1].toString(), Qt::ISODate);
    run.readBytesPerSecond = json["read_bytes_per_second"_L1].toDouble();
    run.weightBytes = json["weight_bytes"_L1].toInteger();
    run.deviceBytes = json["device_bytes"_L1].toInteger();
    for (const auto& value : json["points"_L1].toArray()) {
        const SweepPoint point = pointFrom(value.toObject());
        if (point.promptTokens > 0 && point.chats > 0 && point.speed > 0)
            run.points.append(point);
    }
    return run;
}

QJsonObject SweepRun::toJson() const {
    QJsonArray list;
    for (const SweepPoint& point : points)
        list.append(pointTo(point));
    return {{u"model"_s, model},
            {u"artifact"_s, artifact},
            {u"device"_s, device},
            {u"time"_s, time.toString(Qt::ISODate)},
            {u"read_bytes_per_second"_s, readBytesPerSecond},
            {u"weight_bytes"_s, weightBytes},
            {u"device_bytes"_s, deviceBytes},
            {u"points"_s, list}};
}

const SweepPoint* SweepRun::find(int promptTokens, int chats) const {
    const auto found = std::find_if(points.begin(), points.end(), [&](const SweepPoint& point) {
        return point.promptTokens == promptTokens && point.chats == chats;
    });
    return found == points.end() ? nullptr : &*found;
}

std::optional<double> speedChange(const SweepPoint& point, const SweepRun& before) {
    const SweepPoint* same = before.find(point.promptTokens, point.chats);
    return same ? std::optional(point.speed / same->speed - 1) : std::nullopt;
}

QList<SweepRun> readSweeps(const QString& file) {
    QList<SweepRun> runs;
    QFile source(file);
    if (source.size() > kFileLimit || !source.open(QIODevice::ReadOnly))
        return runs;
    for (const QByteArray& line : source.readAll().split('\n')) {
        const SweepRun run = SweepRun::fromJson(QJsonDocument::fromJson(line).object());
        if (!run.points.isEmpty())
            runs.append(run);
    }
    return runs;
}

QString addSweep(const QString& file, const SweepRun& run) {
    QList<SweepRun> runs = readSweeps(file);
    runs.append(run);
    QDir().mkpath(QFileInfo(file).path());
    QSaveFile target(file);
    bool isWritten = target.open(QIODevice::WriteOnly);
    for (const SweepRun& kept : runs.last(std::min(kMostRuns, runs.size()))) {
        const QByteArray line = QJsonDocument(kept.toJson()).toJson(QJsonDocument::Compact) + '\n';
        isWritten = isWritten && target.write(line) == line.size();
    }
    if (isWritten && target.commit())
        return {};
    return QCoreApplication::translate("SweepRun",
                                       "The measurement could not be kept in %1: %2. Make room or "
                                       "check the folder's rights.")
        .arg(file, target.errorString());
}

} // namespace caldera::studio
