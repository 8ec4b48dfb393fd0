// What a job needs to work on a rented pod. Holds a secret, so it is never written anywhere.
#pragma once

#include <QByteArray>
#include <QString>

#include "widgets/remote/ssh_endpoint.h"

namespace caldera::studio {

/// Where the worker bundle (docs/pods.md) comes from. The hash decides; url and archive are ways.
struct WorkerBundle {
    QString sha256;  ///< of the archive, 64 digits
    QString url;     ///< where the pod fetches it; empty: nowhere
    QString archive; ///< file here that is sent where the pod cannot fetch it; empty: none
    QString cuda;    ///< the oldest that a host's driver must offer, "13.0"; empty: any, or unknown

    bool operator==(const WorkerBundle&) const = default;
};

/// What the watchdog on the pod is told (`caldera watch-pod`).
struct PodWatch {
    QString api;             ///< address of the provider
    QByteArray key;          ///< of the provider, handed over on standard input
    double cap = 0;          ///< US dollars for the job, over all its pods
    double budget = 0;       ///< what of it is left for this pod
    double idleMinutes = 15; ///< without a sign of life
    double fetchMinutes = 10;
    double every = 15;    ///< seconds between looks
    double farewell = 60; ///< seconds for the worker to stop at its next step
    /// Seconds between the owner's signs of life, and between looks whether the watchdog lives.
    double attendEvery = 60;
};

/// A pod that can be reached.
struct PodAccess {
    QString podId;
    SshEndpoint ssh;    ///< with the private key that was made for it
    QString volumePath; ///< where its network volume is mounted
    WorkerBundle bundle;
    PodWatch watch;
};

} // namespace caldera::studio
