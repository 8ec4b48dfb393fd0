// How one pod comes about at RunPod, whatever gets lost on the way.
#pragma once

#include <QFuture>
#include <QObject>
#include <QPromise>

#include "widgets/remote/pod_provider.h"
#include "widgets/remote/runpod_client.h"

namespace caldera::studio {

class RunpodProvider;

/// RunPod takes no idempotency key and no price ceiling. So: look for a pod of that name first;
/// look prices up; ask for one kind of GPU after the other; when an answer gets lost, look again
/// before asking again; at the end look once more, and give back doubles and what is too dear.
/// Deletes itself when it is done.
class RunpodCreation : public QObject {
    Q_OBJECT
public:
    RunpodCreation(RunpodProvider& provider, RunpodClient& client, PodRequest request);
    QFuture<Pod> run();

private:
    void look();
    void choose(const QList<PodOffer>& offers);
    void ask();
    void nextKind(const Error& reason);
    void settle();
    void takeOne(QList<Pod> found);
    void take(const Pod& pod);
    void fail(const Error& error);
    /// Pods of the wished name that are not gone, oldest first.
    QList<Pod> ofThatName(const QList<Pod>& all) const;

    RunpodProvider& provider_;
    RunpodClient& client_;
    PodRequest request_;
    QStringList kinds_; ///< still to be tried
    int lost_ = 0;      ///< answers
    QPromise<Pod> promise_;
};

} // namespace caldera::studio
