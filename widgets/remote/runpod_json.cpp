#include "widgets/remote/runpod_json.h"

#include <QCoreApplication>
#include <QJsonArray>
#include <QRegularExpression>

#include "core/base/error.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kFirstGb = 1000;
constexpr double kFirstPrice = 0.07;
constexpr double kFurtherPrice = 0.05;
constexpr int kMostPorts = 65535;

[[noreturn]] void refuse(const QString& field, const QString& needed) {
    throw Error("pod.answer",
                QCoreApplication::translate(
                    "RunPod",
                    "RunPod's answer has no usable \"%1\"; %2 was needed. RunPod's API may "
                    "have changed: look for a newer version of the studio.")
                    .arg(field, needed)
                    .toStdString());
}

QString text(const QJsonObject& json, const QString& field) {
    const QString value = json[field].toString();
    if (value.isEmpty())
        refuse(field, u"a text"_s);
    return value;
}

QJsonArray array(const QJsonObject& json, const QString& field) {
    if (!json[field].isArray())
        refuse(field, u"a list"_s);
    return json[field].toArray();
}

PodStock stockOf(const QString& word) {
    return word == "HIGH"_L1     ? PodStock::High
           : word == "MEDIUM"_L1 ? PodStock::Medium
           : word == "LOW"_L1    ? PodStock::Low
                                 : PodStock::None;
}

PodStatus statusOf(const QString& word) {
    static const QHash<QString, PodStatus> known{{u"PROVISIONING"_s, PodStatus::Provisioning},
                                                 {u"STARTING"_s, PodStatus::Starting},
                                                 {u"RUNNING"_s, PodStatus::Running},
                                                 {u"EXITED"_s, PodStatus::Stopped},
                                                 {u"ERROR"_s, PodStatus::Broken},
                                                 {u"TERMINATED"_s, PodStatus::Gone}};
    // A new word must not keep us from ending what the pod costs.
    return known.value(word, PodStatus::Unknown);
}

/// Where to log in, checked: these words become arguments of ssh.
SshEndpoint endpointOf(const QJsonObject& direct) {
    static const QRegularExpression host(u"^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$"_s);
    static const QRegularExpression user(u"^[A-Za-z_][A-Za-z0-9._-]{0,63}$"_s);
    if (direct.isEmpty())
        return {};
    SshEndpoint ssh;
    ssh.host = direct["host"_L1].toString();
    ssh.user = direct["username"_L1].toString();
    ssh.port = direct["port"_L1].toInt();
    if (!host.match(ssh.host).hasMatch())
        refuse(u"ssh.direct.host"_s, u"a host name or address"_s);
    if (!user.match(ssh.user).hasMatch())
        refuse(u"ssh.direct.username"_s, u"a user name"_s);
    if (ssh.port < 1 || ssh.port > kMostPorts)
        refuse(u"ssh.direct.port"_s, u"a port from 1 to 65535"_s);
    return ssh;
}

double secondsSince(const QJsonObject& json, const QDateTime& now) {
    QString since = json["startedAt"_L1].toString();
    if (since.isEmpty())
        since = json["createdAt"_L1].toString();
    const QDateTime start = QDateTime::fromString(since, Qt::ISODateWithMs);
    if (!start.isValid() || !now.isValid())
        return 0;
    return qMax(0.0, static_cast<double>(start.msecsTo(now)) / 1000.0);
}

PodOffer offerOf(const QJsonObject& json) {
    PodOffer offer;
    offer.gpu = text(json, u"id"_s);
    offer.name = json["name"_L1].toString(offer.gpu);
    offer.memoryGb = json["memory"_L1].toInt();
    offer.price = json["price"_L1].toObject()["secure"_L1].toDouble();
    offer.mostGpus = json["maxCount"_L1].toObject()["secure"_L1].toInt();
    offer.stock = stockOf(json["availability"_L1].toString());
    for (const QJsonValue value : json["dataCenters"_L1].toArray()) {
        const QJsonObject place = value.toObject();
        offer.places.append(
            {place["id"_L1].toString(), stockOf(place["availability"_L1].toString())});
    }
    return offer;
}

} // namespace

QList<PodOffer> runpodOffers(const QJsonObject& answer) {
    QList<PodOffer> offers;
    for (const QJsonValue value : array(answer, u"gpus"_s)) {
        const QJsonObject json = value.toObject();
        const QString maker = json["manufacturer"_L1].toString();
        const bool foreign =
            !maker.isEmpty() && maker.compare("nvidia"_L1, Qt::CaseInsensitive) != 0;
        const PodOffer offer = offerOf(json);
        if (!foreign && json["secure"_L1].toBool() && offer.price > 0)
            offers.append(offer);
    }
    return offers;
}

double runpodVolumePrice(int sizeGb) {
    return qMin(sizeGb, kFirstGb) * kFirstPrice + qMax(0, sizeGb - kFirstGb) * kFurtherPrice;
}

QList<PodVolume> runpodVolumes(const QJsonObject& answer) {
    QList<PodVolume> volumes;
    for (const QJsonValue value : array(answer, u"networkVolumes"_s)) {
        const QJsonObject json = value.toObject();
        PodVolume volume;
        volume.id = text(json, u"id"_s);
        volume.name = json["name"_L1].toString(volume.id);
        volume.sizeGb = json["size"_L1].toInt();
        volume.dataCenter = text(json, u"dataCenter"_s);
        volume.monthlyPrice = runpodVolumePrice(volume.sizeGb);
        volumes.append(volume);
    }
    return volumes;
}

Pod runpodPod(const QJsonObject& json, const QDateTime& now) {
    Pod pod;
    pod.id = text(json, u"id"_s);
    pod.name = json["name"_L1].toString();
    pod.status = statusOf(text(json, u"status"_s));
    pod.canStop = json["actions"_L1].toArray().contains(u"stop"_s);
    pod.hourlyPrice = qMax(0.0, json["cost"_L1].toDouble());
    pod.rentedSeconds = pod.costs() ? secondsSince(json, now) : 0;
    pod.gpu = json["gpu"_L1].toObject()["id"_L1].toString();
    const QJsonObject mount = json["mounts"_L1].toObject()["network"_L1].toArray().at(0).toObject();
    pod.volumeId = mount["volumeId"_L1].toString();
    pod.volumePath = mount["path"_L1].toString();
    if (pod.status == PodStatus::Running)
        pod.ssh = endpointOf(json["ssh"_L1].toObject()["direct"_L1].toObject());
    return pod;
}

QList<Pod> runpodPods(const QJsonObject& answer, const QDateTime& now) {
    QList<Pod> pods;
    for (const QJsonValue value : array(answer, u"pods"_s)) {
        const QJsonObject json = value.toObject();
        try {
            pods.append(runpodPod(json, now));
        } catch (const Error&) {
            // One of somebody else's must not hide ours from who wants to end them.
            if (!jobOfPod(json["name"_L1].toString()).isEmpty())
                throw;
        }
    }
    return pods;
}

QJsonObject runpodRequest(const PodRequest& request, const QString& gpu) {
    QJsonObject gpuJson{{u"id"_s, gpu}, {u"count"_s, request.gpuCount}};
    if (!request.minimumCuda.isEmpty())
        gpuJson[u"minCudaVersion"_s] = request.minimumCuda;
    const QJsonObject mount{{u"volumeId"_s, request.volume.id}, {u"path"_s, request.volumePath}};
    return {{u"name"_s, request.name},
            {u"image"_s, request.image},
            {u"cloud"_s, u"SECURE"_s}, // network volumes exist in no other
            {u"gpu"_s, gpuJson},
            {u"disk"_s, request.diskGb},
            {u"mounts"_s, QJsonObject{{u"network"_s, QJsonArray{mount}}}},
            {u"dataCenterIds"_s, QJsonArray{request.volume.dataCenter}},
            {u"ports"_s, QJsonArray{u"22/tcp"_s}},
            {u"env"_s, QJsonObject{{u"PUBLIC_KEY"_s, request.publicKey}}},
            {u"startSsh"_s, true}};
}

} // namespace caldera::studio
