// How a rented pod is told to people.
#pragma once

#include <QString>

#include "widgets/remote/pod_jobs.h"

namespace caldera::studio {

/// "running", "given back".
QString podPhaseWord(PodPhase phase);
/// "nothing happened on it"; empty where there is nothing to tell.
QString podReasonWord(PodStopReason reason);
/// "RTX 3090, running: $0.46 an hour, $0.21 of $10.00 spent"
QString costLine(const PodCost& cost);
/// Where the figures come from, and what goes on costing.
QString costToolTip(const PodCost& cost);

} // namespace caldera::studio
