// Pods of RunPod, by its REST API v2 (docs/pods.md).
#pragma once

#include "widgets/remote/pod_provider.h"
#include "widgets/remote/runpod_client.h"

namespace caldera::studio {

inline constexpr char16_t kRunpodApi[] = u"https://api.runpod.io/v2";

class RunpodProvider : public PodProvider {
    Q_OBJECT
public:
    /// Throws Error("secret.malformed") when `key` cannot be one. `base` is another server only in
    /// tests and behind gateways.
    explicit RunpodProvider(const QString& key,
                            const QUrl& base = QUrl(QString::fromUtf16(kRunpodApi)),
                            RunpodPatience patience = {}, QObject* parent = nullptr);

    QString title() const override { return QStringLiteral("RunPod"); }
    QFuture<QList<PodOffer>> offers(int gpuCount) override;
    QFuture<QList<PodVolume>> volumes() override;
    QFuture<QList<Pod>> pods() override;
    QFuture<Pod> pod(const QString& id) override;
    QFuture<Pod> create(const PodRequest& request) override;
    QFuture<void> stop(const QString& id) override;
    QFuture<void> terminate(const QString& id) override;

private:
    RunpodClient client_;
};

} // namespace caldera::studio
