// What can be rented and what is rented; values, without any secret.
#pragma once

#include <QList>
#include <QMetaType>
#include <QString>
#include <QStringList>

#include "widgets/remote/ssh_endpoint.h"

namespace caldera::studio {

/// How likely a pod can be had now.
enum class PodStock { None, Low, Medium, High };

struct PodPlace {
    QString id; ///< of a data centre, "EU-RO-1"
    PodStock stock = PodStock::None;
};

/// A kind of GPU and what it costs.
struct PodOffer {
    QString gpu;      ///< the provider's id, "NVIDIA H100 80GB HBM3"
    QString name;     ///< for people, "H100 SXM"
    int memoryGb = 0; ///< of one GPU
    double price = 0; ///< US dollars an hour for one GPU
    int mostGpus = 0; ///< in one pod
    PodStock stock = PodStock::None;
    QList<PodPlace> places; ///< data centres that have it
};

/// How likely it can be had in a data centre; with none named, anywhere.
PodStock stockIn(const PodOffer& offer, const QString& dataCenter);

/// Storage that outlives pods.
struct PodVolume {
    QString id;
    QString name;
    int sizeGb = 0;
    QString dataCenter;
    double monthlyPrice = 0; ///< US dollars, whether a pod uses it or not
};

/// A wish for a pod.
struct PodRequest {
    QString name;     ///< podName() of the job, so that a pod is found again
    QString image;    ///< of the container
    QStringList gpus; ///< kinds in the order in which they are tried
    int gpuCount = 1;
    QString minimumCuda; ///< "12.8"; empty: any
    double ceiling = 0;  ///< US dollars an hour for the whole pod; dearer ones are not taken
    PodVolume volume;
    QString volumePath; ///< where it is mounted, "/workspace"
    int diskGb = 20;    ///< of the container, lost with it
    QString publicKey;  ///< one line of OpenSSH, for the login
};

/// Unknown: a word of the provider that is newer than this program.
enum class PodStatus { Provisioning, Starting, Running, Stopped, Broken, Gone, Unknown };

struct Pod {
    QString id;
    QString name;
    PodStatus status = PodStatus::Provisioning;
    bool canStop = false;     ///< the provider would take "stop" now
    double hourlyPrice = 0;   ///< US dollars; 0 while stopped, or not told
    double rentedSeconds = 0; ///< since it was last started, by the provider's clock
    QString gpu;
    QString volumeId;
    QString volumePath;
    SshEndpoint ssh; ///< without host until it can be reached

    /// Whether it costs money for each second.
    bool costs() const { return status != PodStatus::Stopped && status != PodStatus::Gone; }
};

/// "caldera-" and the job's id: how a pod is known to belong to a job.
QString podName(const QString& jobId);
/// The job of a pod; empty when the name is none of ours.
QString jobOfPod(const QString& name);

} // namespace caldera::studio

Q_DECLARE_METATYPE(caldera::studio::Pod)
