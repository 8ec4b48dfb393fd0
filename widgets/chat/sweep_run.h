// A measured sweep of an artifact's speed, and the history of them.
#pragma once

#include <QDateTime>
#include <QJsonObject>
#include <QList>
#include <QString>

#include <optional>

namespace caldera::studio {

/// One length of prompts and number of chats at once.
struct SweepPoint {
    int promptTokens = 0;
    int chats = 0;
    double firstToken = 0;            ///< seconds
    double promptSpeed = 0;           ///< tokens a second
    double speed = 0;                 ///< tokens a second, of all chats together
    double p50 = 0, p95 = 0, p99 = 0; ///< seconds between tokens
    double rooflineShare = -1;        ///< of what memory allows; negative: unknown
    bool operator==(const SweepPoint&) const = default;
};

struct SweepRun {
    QString model;
    QString artifact; ///< its hash
    QString device;
    QDateTime time;
    double readBytesPerSecond = 0; ///< 0: unknown
    qint64 weightBytes = 0;
    qint64 deviceBytes = 0;
    QList<SweepPoint> points;

    /// What `caldera bench chats --json` prints, and the time. A document that is none has no
    /// points.
    static SweepRun fromJson(const QJsonObject& json);
    QJsonObject toJson() const;
    /// Null when it has not been measured.
    const SweepPoint* find(int promptTokens, int chats) const;
    bool operator==(const SweepRun&) const = default;
};

/// By more than this a machine in use does not vary.
inline constexpr double kSpeedNoise = 0.05;

/// By how much the speed of a point differs from that of the same one in an earlier run: -0.1 is a
/// tenth slower. Nothing where it was not measured.
std::optional<double> speedChange(const SweepPoint& point, const SweepRun& before);

/// The runs kept in a file, oldest first; lines that are none are passed over. Reads the disk.
QList<SweepRun> readSweeps(const QString& file);
/// Adds one; the oldest beyond 200 go. Returns the sentence of a failure, or nothing. Writes the
/// disk.
QString addSweep(const QString& file, const SweepRun& run);

} // namespace caldera::studio
