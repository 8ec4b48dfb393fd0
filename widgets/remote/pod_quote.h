// What a rented pod will cost, before anything is rented.
#pragma once

#include "widgets/remote/pod.h"

namespace caldera::studio {

/// What a job has to do on a pod.
struct PodWork {
    double workSeconds = -1;  ///< on the pod's GPU; negative: unknown
    double downloadBytes = 0; ///< the model, from the hub to the volume; 0 when it is there
    double fetchBytes = 0;    ///< the artifact, from the pod to this machine
    double volumeBytes = 0;   ///< what the volume must hold at the same time
};

/// Assumptions of an estimate; measured values replace them.
struct PodRates {
    double provisioningSeconds = 240;      ///< until SSH answers, worker installed
    double downloadBytesPerSecond = 150e6; ///< from the hub inside a data centre
    double fetchBytesPerSecond = 6e6;      ///< to a home, 50 Mbit/s
};

/// Seconds and US dollars, by part.
struct PodQuote {
    double provisioningSeconds = 0;
    double downloadSeconds = 0;
    double workSeconds = -1;
    double fetchSeconds = 0;
    double podDollars = 0;     ///< of the pod's time
    double storageDollars = 0; ///< of the volume in that time
    double storageMonthly = 0; ///< of the volume, as long as it is kept

    bool known() const { return workSeconds >= 0; }
    double seconds() const {
        return provisioningSeconds + downloadSeconds + qMax(0.0, workSeconds) + fetchSeconds;
    }
    double dollars() const { return podDollars + storageDollars; }
};

/// `hourlyPrice` of the whole pod. With unknown work the quote holds the other parts only.
PodQuote quotePod(const PodWork& work, double hourlyPrice, const PodVolume& volume,
                  const PodRates& rates = {});

/// A job's work on a pod of a certain price.
struct PodPriced {
    PodWork work;
    double hourlyPrice = 0; ///< US dollars
};

/// Throws Error("pod.folder") when `jobFolder` would not lie on the volume, ("pod.volume") when the
/// volume is too small, and ("pod.cap") when it would cost more than `cap` US dollars.
void checkPodJob(const PodRequest& request, const QString& jobFolder, const PodPriced& job,
                 double cap);

/// "$3.05", "$0.004": at least two digits that count.
QString dollarText(double dollars);

} // namespace caldera::studio
