// Who rents pods, and how often it is asked.
#pragma once

#include <QUrl>

#include "widgets/remote/pod_rental.h"
#include "widgets/remote/runpod_provider.h"

namespace caldera::studio {

struct PodMarket {
    QUrl api{QString::fromUtf16(kRunpodApi)};
    PodTiming timing;
};

} // namespace caldera::studio
