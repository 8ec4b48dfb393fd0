// Who rents pods out. One interface, so that no other code knows a provider's protocol.
#pragma once

#include <QFuture>
#include <QList>
#include <QObject>

#include "widgets/remote/pod.h"

namespace caldera::studio {

/// Every call returns at once; its future is fulfilled on the caller's event loop, or fails with
/// an Error whose code begins with "pod.": key-refused, no-credit, not-permitted, gone, conflict,
/// no-capacity, request, busy, down, unreachable, tls, answer, too-dear. Calls are repeated by the
/// provider where that is safe.
class PodProvider : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    /// For people, "RunPod".
    virtual QString title() const = 0;
    /// Kinds of GPUs for pods with `gpuCount` of them.
    virtual QFuture<QList<PodOffer>> offers(int gpuCount) = 0;
    virtual QFuture<QList<PodVolume>> volumes() = 0;
    /// The account's pods; also those that are no pods of ours.
    virtual QFuture<QList<Pod>> pods() = 0;
    /// Fails with "pod.gone" when there is none of that id.
    virtual QFuture<Pod> pod(const QString& id) = 0;
    /// The pod of that name: one that is there already, or a new one. However often it is called,
    /// and whatever gets lost on the way, there is one in the end.
    virtual QFuture<Pod> create(const PodRequest& request) = 0;
    /// Ends the pod's costs and keeps its volume. A pod that is stopped already is fine.
    virtual QFuture<void> stop(const QString& id) = 0;
    /// Gives the pod back; a network volume stays. A pod that is gone already is fine.
    virtual QFuture<void> terminate(const QString& id) = 0;
};

} // namespace caldera::studio
