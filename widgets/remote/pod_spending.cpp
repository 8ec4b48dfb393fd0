// What a rented pod has cost, seen and unseen.
#include "widgets/remote/pod_rental.h"

#include <algorithm>

namespace caldera::studio {

namespace {
constexpr double kSecondsPerHour = 3600;
}

void PodRental::countSpending(const Pod& pod) {
    pod_ = pod;
    if (pod.costs()) {
        if (pod_.hourlyPrice <= 0) // not told: as before, or the most that was allowed
            pod_.hourlyPrice =
                record_.hourlyPrice > 0 ? record_.hourlyPrice : record_.request.ceiling;
        record_.spent =
            record_.spentBefore + pod_.hourlyPrice * pod.rentedSeconds / kSecondsPerHour;
        record_.hourlyPrice = pod_.hourlyPrice;
        record_.seenAt = QDateTime::currentDateTimeUtc();
    } else {
        countUnseen();
        record_.spentBefore = record_.spent;
    }
}

/// The pod ended while nobody looked, and the provider does not tell when: the most that it can
/// have cost counts, of which its watchdog allowed no more than the cap.
void PodRental::countUnseen() {
    if (record_.hourlyPrice > 0 && record_.seenAt.isValid()) {
        const double seconds = std::max<double>(
            0, static_cast<double>(record_.seenAt.secsTo(QDateTime::currentDateTimeUtc())));
        const double most = record_.spent + record_.hourlyPrice * seconds / kSecondsPerHour;
        record_.spent = std::max(record_.spent, std::min(record_.cap, most));
    }
    record_.hourlyPrice = 0;
}

void PodRental::endRun() {
    countUnseen();
    record_.spentBefore = record_.spent;
    pod_.status = PodStatus::Gone;
}

} // namespace caldera::studio
