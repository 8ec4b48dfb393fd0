// How fast this machine's processor works, for estimates that are shown before a run is asked for.
#pragma once

#include "core/plan/time_estimate.h"
#include "core/preflight/speed_log.h"

namespace caldera {

/// What `--check` reckons with on this processor.
struct ProcessorSpeed {
    int threads = 1; ///< that will compute
    SpeedRatio compressing;
    SpeedRatio measuring; ///< fragility

    TimeEstimate toCompress(const Plan& plan, const PlanCells& cells) const;
    TimeEstimate toMeasure(const ModelConfig& config, const FidelityWork& work) const;
};

/// By earlier runs of this machine; reads the log of them.
ProcessorSpeed readProcessorSpeed();

} // namespace caldera
