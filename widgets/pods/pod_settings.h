// What a person decided about renting; kept in the settings, without any secret.
#pragma once

#include "widgets/remote/pod.h"

class QSettings;

namespace caldera::studio {

struct PodSettings {
    QStringList gpus;
    QString volumeId;
    QString dataCenter; ///< of the volume
    double ceiling = 4; ///< US dollars an hour
    double cap = 10;    ///< US dollars for one job
    double idleMinutes = 15;
    QString bundle;    ///< file of the worker bundle, or its .sha256
    QString bundleUrl; ///< where pods fetch it; empty: it is sent from here
    QString volumePath = QStringLiteral("/workspace"); ///< where the volume is mounted
    QString image = QStringLiteral("runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404");

    bool operator==(const PodSettings&) const = default;
};

/// Group "runpod" of the settings.
PodSettings readPodSettings(QSettings& settings);
void writePodSettings(QSettings& settings, const PodSettings& values);

} // namespace caldera::studio
