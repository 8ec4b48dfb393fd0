#include "widgets/remote/pod.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
const QString kPrefix = u"caldera-"_s;
}

PodStock stockIn(const PodOffer& offer, const QString& dataCenter) {
    if (dataCenter.isEmpty())
        return offer.stock;
    for (const PodPlace& place : offer.places) {
        if (place.id == dataCenter)
            return qMin(place.stock, offer.stock);
    }
    return PodStock::None;
}

QString podName(const QString& jobId) {
    return kPrefix + jobId;
}

QString jobOfPod(const QString& name) {
    return name.startsWith(kPrefix) ? name.mid(kPrefix.size()) : QString();
}

} // namespace caldera::studio
