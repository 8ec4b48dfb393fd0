#include "widgets/pods/pod_settings.h"

#include <QSettings>

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

PodSettings readPodSettings(QSettings& settings) {
    PodSettings values;
    settings.beginGroup("runpod"_L1);
    values.gpus = settings.value("gpus"_L1).toStringList();
    values.volumeId = settings.value("volume"_L1).toString();
    values.dataCenter = settings.value("dataCenter"_L1).toString();
    values.ceiling = settings.value("ceiling"_L1, values.ceiling).toDouble();
    values.cap = settings.value("cap"_L1, values.cap).toDouble();
    values.idleMinutes = settings.value("idleMinutes"_L1, values.idleMinutes).toDouble();
    values.bundle = settings.value("bundle"_L1).toString();
    values.bundleUrl = settings.value("bundleUrl"_L1).toString();
    values.volumePath = settings.value("volumePath"_L1, values.volumePath).toString();
    values.image = settings.value("image"_L1, values.image).toString();
    settings.endGroup();
    return values;
}

void writePodSettings(QSettings& settings, const PodSettings& values) {
    settings.beginGroup("runpod"_L1);
    settings.setValue("gpus"_L1, values.gpus);
    settings.setValue("volume"_L1, values.volumeId);
    settings.setValue("dataCenter"_L1, values.dataCenter);
    settings.setValue("ceiling"_L1, values.ceiling);
    settings.setValue("cap"_L1, values.cap);
    settings.setValue("idleMinutes"_L1, values.idleMinutes);
    settings.setValue("bundle"_L1, values.bundle);
    settings.setValue("bundleUrl"_L1, values.bundleUrl);
    settings.setValue("volumePath"_L1, values.volumePath);
    settings.setValue("image"_L1, values.image);
    settings.endGroup();
}

} // namespace caldera::studio
