// RunPod's JSON as values of ours. Each throws Error("pod.answer") that names the missing field.
#pragma once

#include <QDateTime>
#include <QJsonObject>

#include "widgets/remote/pod.h"

namespace caldera::studio {

/// Of GET /catalog/gpus. Kinds that are no NVIDIA GPUs or not in the secure cloud are left out.
QList<PodOffer> runpodOffers(const QJsonObject& answer);
/// Of GET /network-volumes.
QList<PodVolume> runpodVolumes(const QJsonObject& answer);
/// Of GET /pods.
QList<Pod> runpodPods(const QJsonObject& answer, const QDateTime& now);
/// Of GET /pods/{id} and the like. `now` is RunPod's clock.
Pod runpodPod(const QJsonObject& json, const QDateTime& now);
/// The body of POST /pods for one kind of GPU.
QJsonObject runpodRequest(const PodRequest& request, const QString& gpu);

/// US dollars a month for a network volume of that size, by RunPod's price list of 2026-08-20:
/// 0.07 for each GB up to 1000, 0.05 above.
double runpodVolumePrice(int sizeGb);

} // namespace caldera::studio
