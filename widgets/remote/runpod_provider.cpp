#include "widgets/remote/runpod_provider.h"

#include "widgets/remote/runpod_creation.h"
#include "widgets/remote/runpod_json.h"
#include "widgets/remote/secret_store.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

QString pathOf(const QString& id) {
    return u"/pods/"_s + QString::fromLatin1(QUrl::toPercentEncoding(id));
}

QString checked(const QString& key) {
    checkSecret(QString::fromUtf16(kRunpodKeyName), key);
    return key;
}

} // namespace

RunpodProvider::RunpodProvider(const QString& key, const QUrl& base, RunpodPatience patience,
                               QObject* parent)
    : PodProvider(parent), client_(base, checked(key), patience) {}

QFuture<QList<PodOffer>> RunpodProvider::offers(int gpuCount) {
    QUrlQuery query;
    query.addQueryItem(u"include"_s, u"AVAILABILITY"_s);
    query.addQueryItem(u"product"_s, u"POD"_s);
    query.addQueryItem(u"cloud"_s, u"SECURE"_s);
    query.addQueryItem(u"count"_s, QString::number(gpuCount));
    return client_.get(u"/catalog/gpus"_s, query).then(this, [](const RunpodAnswer& answer) {
        return runpodOffers(answer.body);
    });
}

QFuture<QList<PodVolume>> RunpodProvider::volumes() {
    return client_.get(u"/network-volumes"_s).then(this, [](const RunpodAnswer& answer) {
        return runpodVolumes(answer.body);
    });
}

QFuture<QList<Pod>> RunpodProvider::pods() {
    return client_.get(u"/pods"_s).then(this, [](const RunpodAnswer& answer) {
        return runpodPods(answer.body, answer.serverTime);
    });
}

QFuture<Pod> RunpodProvider::pod(const QString& id) {
    return client_.get(pathOf(id)).then(this, [](const RunpodAnswer& answer) {
        return runpodPod(answer.body, answer.serverTime);
    });
}

QFuture<Pod> RunpodProvider::create(const PodRequest& request) {
    return (new RunpodCreation(*this, client_, request))->run();
}

QFuture<void> RunpodProvider::stop(const QString& id) {
    const QJsonObject body{{u"action"_s, u"stop"_s}};
    return client_.post(pathOf(id) + u"/action"_s, body, RunpodClient::Repeat::Freely)
        .then(this, [](const RunpodAnswer&) { return QtFuture::makeReadyFuture(); })
        .onFailed(this,
                  [this, id](const Error& error) -> QFuture<void> {
                      if (error.code() != "pod.conflict")
                          throw error;
                      // Refused, or stopped already: only its state tells.
                      return pod(id).then(this, [error](const Pod& now) {
                          if (now.costs())
                              throw error;
                      });
                  })
        .unwrap();
}

QFuture<void> RunpodProvider::terminate(const QString& id) {
    return client_.remove(pathOf(id))
        .then(this, [](const RunpodAnswer&) {})
        .onFailed(this, [](const Error& error) {
            if (error.code() != "pod.gone")
                throw error;
        });
}

} // namespace caldera::studio
