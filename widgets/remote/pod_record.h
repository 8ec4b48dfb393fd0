// What this machine knows of a rented pod, on disk before anything happens at the provider.
#pragma once

#include <QByteArray>
#include <QDateTime>
#include <QList>
#include <QString>

#include "widgets/remote/pod.h"

namespace caldera::studio {

enum class PodPhase {
    Wanted,    ///< a pod may or may not exist by now
    Starting,  ///< it exists and cannot be reached yet
    Ready,     ///< it can be reached
    Stopping,  ///< it shall stop
    Stopped,   ///< it costs nothing but its volume
    Returning, ///< it shall be given back
    Returned   ///< nothing is rented any more
};

/// Why a pod is to stop.
enum class PodStopReason { None, User, Completed, Idle, Budget, Failed };

struct PodRecord {
    QString jobId;
    QString target; ///< the name of the target that it was rented for
    PodPhase phase = PodPhase::Wanted;
    PodStopReason reason = PodStopReason::None;
    QString podId; ///< empty until the provider told it
    PodRequest request;
    QString jobFolder;       ///< on the volume
    double cap = 0;          ///< US dollars for the whole rental
    double idleMinutes = 15; ///< without any activity, then it stops; 0: never
    double spentBefore = 0;  ///< US dollars, of runs that ended
    double spent = 0;        ///< US dollars, as of the last look
    double hourlyPrice = 0;  ///< US dollars, of the pod that was seen to cost something
    QDateTime seenAt;        ///< when that was, UTC
    bool verified = false;   ///< every artifact is here, its hashes compared
    QString failure;         ///< a sentence

    bool over() const { return phase == PodPhase::Returned; }
};

/// JSON of format caldera-pod/1 (docs/pods.md); no secret is part of a record.
QByteArray podRecordToJson(const PodRecord& record);
/// Throws Error("pod.record") naming `origin`, and Error("pod.newer").
PodRecord podRecordFromJson(const QByteArray& json, const QString& origin);

/// The files FOLDER/JOB.json. Neither belongs on the GUI thread. A record that cannot be read is
/// reported as one in phase Wanted with its failure and no cap, so that its pod is looked for and
/// stopped; those of a later studio are left to it.
void savePodRecord(const QString& folder, const PodRecord& record);
QList<PodRecord> loadPodRecords(const QString& folder);

} // namespace caldera::studio
