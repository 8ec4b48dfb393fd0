#include "widgets/remote/runpod_creation.h"

#include <algorithm>

#include <QTimer>

#include "widgets/remote/runpod_json.h"
#include "widgets/remote/runpod_provider.h"
#include "widgets/remote/when_done.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

QString dollars(double value) {
    return u"$"_s + QString::number(value, 'f', 2);
}

} // namespace

RunpodCreation::RunpodCreation(RunpodProvider& provider, RunpodClient& client, PodRequest request)
    : QObject(&provider), provider_(provider), client_(client), request_(std::move(request)) {}

QFuture<Pod> RunpodCreation::run() {
    promise_.start();
    look();
    return promise_.future();
}

QList<Pod> RunpodCreation::ofThatName(const QList<Pod>& all) const {
    QList<Pod> found;
    for (const Pod& pod : all) {
        if (pod.name == request_.name && pod.status != PodStatus::Gone)
            found.append(pod);
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Pod& a, const Pod& b) { return a.rentedSeconds > b.rentedSeconds; });
    return found;
}

void RunpodCreation::look() {
    whenDone(
        provider_.pods(), this,
        [this](const QList<Pod>& all) {
            const QList<Pod> found = ofThatName(all);
            if (!found.isEmpty())
                takeOne(found);
            else if (!kinds_.isEmpty())
                ask(); // an answer was lost, and the pod does not exist
            else
                whenDone(
                    provider_.offers(request_.gpuCount), this,
                    [this](const QList<PodOffer>& offers) { choose(offers); },
                    [this](const Error& error) { fail(error); });
        },
        [this](const Error& error) { fail(error); });
}

void RunpodCreation::choose(const QList<PodOffer>& offers) {
    double cheapest = -1;
    for (const QString& kind : request_.gpus) {
        for (const PodOffer& offer : offers) {
            if (offer.gpu != kind)
                continue;
            const double price = offer.price * request_.gpuCount;
            if (price <= request_.ceiling)
                kinds_.append(kind);
            if (cheapest < 0 || price < cheapest)
                cheapest = price;
        }
    }
    if (!kinds_.isEmpty())
        ask();
    else if (cheapest < 0)
        fail(Error("pod.no-capacity", tr("RunPod does not offer %1. Choose another GPU.")
                                          .arg(request_.gpus.join(u", "_s))
                                          .toStdString()));
    else
        fail(Error("pod.too-dear",
                   tr("The cheapest of the chosen machines costs %1 an hour, and at "
                      "most %2 was allowed. Raise the ceiling or choose another GPU.")
                       .arg(dollars(cheapest), dollars(request_.ceiling))
                       .toStdString()));
}

void RunpodCreation::ask() {
    const QJsonObject body = runpodRequest(request_, kinds_.first());
    whenDone(
        client_.post(u"/pods"_s, body, RunpodClient::Repeat::WhenRefused), this,
        [this](const RunpodAnswer&) { settle(); },
        [this](const Error& error) {
            if (error.code() == "pod.no-capacity") {
                nextKind(error);
            } else if (error.code() == "pod.unsure" && ++lost_ < client_.patience().attempts) {
                // RunPod may list a pod a moment after it has made it.
                QTimer::singleShot(client_.waitBefore(lost_), this, &RunpodCreation::look);
            } else if (error.code() == "pod.unsure") {
                fail(Error("pod.down", error.what()));
            } else {
                fail(error);
            }
        });
}

void RunpodCreation::nextKind(const Error& reason) {
    kinds_.removeFirst();
    if (kinds_.isEmpty())
        fail(reason);
    else
        ask();
}

void RunpodCreation::settle() {
    whenDone(
        provider_.pods(), this,
        [this](const QList<Pod>& all) {
            const QList<Pod> found = ofThatName(all);
            if (found.isEmpty())
                fail(Error("pod.gone", tr("RunPod made the pod and does not list it. Look at "
                                          "RunPod's console before starting again.")
                                           .toStdString()));
            else
                takeOne(found);
        },
        [this](const Error& error) { fail(error); });
}

void RunpodCreation::takeOne(QList<Pod> found) {
    const Pod pod = found.takeFirst();
    if (found.isEmpty()) {
        take(pod);
        return;
    }
    // The network stack may have sent a request twice; doubles hold nothing yet.
    whenDone(
        provider_.terminate(found.first().id), this, [this] { settle(); },
        [this](const Error& error) { fail(error); });
}

void RunpodCreation::take(const Pod& pod) {
    if (pod.hourlyPrice <= request_.ceiling) {
        promise_.addResult(pod);
        promise_.finish();
        deleteLater();
        return;
    }
    const Error tooDear(
        "pod.too-dear",
        tr("RunPod wanted %1 an hour for the pod, and at most %2 was allowed. The pod was given "
           "back at once. Raise the ceiling or choose another GPU.")
            .arg(dollars(pod.hourlyPrice), dollars(request_.ceiling))
            .toStdString());
    whenDone(
        provider_.terminate(pod.id), this, [this, tooDear] { fail(tooDear); },
        [this](const Error& error) { fail(error); });
}

void RunpodCreation::fail(const Error& error) {
    promise_.setException(std::make_exception_ptr(error));
    promise_.finish();
    deleteLater();
}

} // namespace caldera::studio
