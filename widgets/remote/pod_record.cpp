#include "widgets/remote/pod_record.h"

#include <QCoreApplication>
#include <QDir>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/format_version.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr std::string_view kFormat = "caldera-pod";
constexpr int kMajor = 1;
constexpr size_t kFileLimit = 1U << 20;
const QStringList kPhases{u"wanted"_s,  u"starting"_s,  u"ready"_s,   u"stopping"_s,
                          u"stopped"_s, u"returning"_s, u"returned"_s};
const QStringList kReasons{u""_s, u"user"_s, u"completed"_s, u"idle"_s, u"budget"_s, u"failed"_s};

[[noreturn]] void refuse(const char* code, const QString& origin, const QString& what) {
    throw Error(
        code, QCoreApplication::translate("PodRecord", "%1: %2.").arg(origin, what).toStdString());
}

int indexOf(const QStringList& words, const QJsonValue& value, const QString& origin) {
    const qsizetype index = words.indexOf(value.toString());
    if (index < 0)
        refuse(
            "pod.record", origin,
            QCoreApplication::translate("PodRecord", "\"%1\" was found where one of %2 was needed")
                .arg(value.toString(), words.join(u' ')));
    return static_cast<int>(index);
}

QJsonObject requestToJson(const PodRequest& request) {
    return {{u"name"_s, request.name},
            {u"image"_s, request.image},
            {u"gpus"_s, QJsonArray::fromStringList(request.gpus)},
            {u"gpu_count"_s, request.gpuCount},
            {u"minimum_cuda"_s, request.minimumCuda},
            {u"ceiling"_s, request.ceiling},
            {u"volume"_s, request.volume.id},
            {u"volume_name"_s, request.volume.name},
            {u"volume_gb"_s, request.volume.sizeGb},
            {u"volume_monthly"_s, request.volume.monthlyPrice},
            {u"data_center"_s, request.volume.dataCenter},
            {u"volume_path"_s, request.volumePath},
            {u"disk_gb"_s, request.diskGb},
            {u"public_key"_s, request.publicKey}};
}

PodRequest requestFromJson(const QJsonObject& json) {
    PodRequest request;
    request.name = json["name"_L1].toString();
    request.image = json["image"_L1].toString();
    for (const QJsonValue gpu : json["gpus"_L1].toArray())
        request.gpus.append(gpu.toString());
    request.gpuCount = json["gpu_count"_L1].toInt(1);
    request.minimumCuda = json["minimum_cuda"_L1].toString();
    request.ceiling = json["ceiling"_L1].toDouble();
    request.volume = {json["volume"_L1].toString(), json["volume_name"_L1].toString(),
                      json["volume_gb"_L1].toInt(), json["data_center"_L1].toString(),
                      json["volume_monthly"_L1].toDouble()};
    request.volumePath = json["volume_path"_L1].toString();
    request.diskGb = json["disk_gb"_L1].toInt();
    request.publicKey = json["public_key"_L1].toString();
    return request;
}

PodRecord unreadable(const QString& jobId, const Error& error) {
    PodRecord record;
    record.jobId = jobId;
    record.request.name = podName(jobId);
    record.failure = QString::fromUtf8(error.what());
    return record;
}

} // namespace

QByteArray podRecordToJson(const PodRecord& record) {
    const QJsonObject json{{u"format"_s, QString::fromStdString(formatText(kFormat, kMajor))},
                           {u"job"_s, record.jobId},
                           {u"target"_s, record.target},
                           {u"phase"_s, kPhases[static_cast<int>(record.phase)]},
                           {u"reason"_s, kReasons[static_cast<int>(record.reason)]},
                           {u"pod"_s, record.podId},
                           {u"request"_s, requestToJson(record.request)},
                           {u"job_folder"_s, record.jobFolder},
                           {u"cap"_s, record.cap},
                           {u"idle_minutes"_s, record.idleMinutes},
                           {u"spent_before"_s, record.spentBefore},
                           {u"spent"_s, record.spent},
                           {u"hourly_price"_s, record.hourlyPrice},
                           {u"seen_at"_s, record.seenAt.toString(Qt::ISODate)},
                           {u"verified"_s, record.verified},
                           {u"failure"_s, record.failure}};
    return QJsonDocument(json).toJson();
}

PodRecord podRecordFromJson(const QByteArray& text, const QString& origin) {
    const QJsonObject json = QJsonDocument::fromJson(text).object();
    const FormatFit fit = formatFit(json["format"_L1].toString().toStdString(), kFormat, kMajor);
    if (fit == FormatFit::Newer)
        refuse(
            "pod.newer", origin,
            QCoreApplication::translate("PodRecord", "it was written by a later studio; use that"));
    if (fit == FormatFit::Foreign)
        refuse("pod.record", origin,
               QCoreApplication::translate("PodRecord", "it is no record of a pod"));
    PodRecord record;
    record.jobId = json["job"_L1].toString();
    record.target = json["target"_L1].toString();
    record.phase = static_cast<PodPhase>(indexOf(kPhases, json["phase"_L1], origin));
    record.reason = static_cast<PodStopReason>(indexOf(kReasons, json["reason"_L1], origin));
    record.podId = json["pod"_L1].toString();
    record.request = requestFromJson(json["request"_L1].toObject());
    record.jobFolder = json["job_folder"_L1].toString();
    record.cap = json["cap"_L1].toDouble();
    record.idleMinutes = json["idle_minutes"_L1].toDouble();
    record.spentBefore = json["spent_before"_L1].toDouble();
    record.spent = json["spent"_L1].toDouble();
    record.hourlyPrice = json["hourly_price"_L1].toDouble();
    record.seenAt = QDateTime::fromString(json["seen_at"_L1].toString(), Qt::ISODate);
    record.verified = json["verified"_L1].toBool();
    record.failure = json["failure"_L1].toString();
    if (record.jobId.isEmpty() || record.request.name != podName(record.jobId))
        refuse("pod.record", origin,
               QCoreApplication::translate("PodRecord", "job and pod name do not belong together"));
    return record;
}

void savePodRecord(const QString& folder, const PodRecord& record) {
    const std::filesystem::path path(folder.toStdU16String());
    std::filesystem::create_directories(path);
    writeFileAtomically(path / (record.jobId + u".json"_s).toStdU16String(),
                        podRecordToJson(record).toStdString());
}

QList<PodRecord> loadPodRecords(const QString& folder) {
    QList<PodRecord> records;
    if (folder.isEmpty())
        return records; // QDir would take the working folder
    const QDir dir(folder, u"*.json"_s, QDir::Name, QDir::Files);
    for (const QFileInfo& file : dir.entryInfoList()) {
        try {
            const std::string text = readTextFile(file.filePath().toStdU16String(), kFileLimit);
            records.append(podRecordFromJson(QByteArray::fromStdString(text), file.filePath()));
        } catch (const Error& error) {
            if (error.code() != "pod.newer") // its studio cares for it
                records.append(unreadable(file.completeBaseName(), error));
        }
    }
    return records;
}

} // namespace caldera::studio
