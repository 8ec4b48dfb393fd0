#include "core/preflight/processor_speed.h"

#include "core/base/machine.h"

namespace caldera {

TimeEstimate ProcessorSpeed::toCompress(const Plan& plan, const PlanCells& cells) const {
    return compressing.correct(compressSeconds(plan, cells, threads));
}

TimeEstimate ProcessorSpeed::toMeasure(const ModelConfig& config, const FidelityWork& work) const {
    return measuring.correct(fidelitySeconds(config, work, threads));
}

ProcessorSpeed readProcessorSpeed() {
    const int threads = usualThreads();
    const auto ratioOf = [&](const char* kind) {
        return SpeedLog::ofThisMachine().ratios(kind)[processorPlace(threads)];
    };
    return {threads, ratioOf("compress"), ratioOf("fidelity")};
}

} // namespace caldera
