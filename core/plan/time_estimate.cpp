#include "core/plan/time_estimate.h"

#include <algorithm>

namespace caldera {

namespace {

// Seconds of one core, from the demo model and SmolLM2-135M on two cores (docs/benchmarks.md).
constexpr double kOperation = 2e-11;       ///< of a product, a multiplication and an addition
constexpr double kCodedWeight = 3e-6;      ///< of a sweep of LDLQ and the fit of L R
constexpr double kMeasuredWeight = 1.5e-6; ///< all options of `proxy`, and spectra
constexpr double kNoisyWeight = 2e-6;
constexpr double kUsualSweeps = 2;
/// Of an H100, everything of a compression, for a weight: 33.6 s for 878 million.
constexpr double kWeightOnGpu = 33.6 / 878e6;
/// Of an H100, all options, `proxy` and `kl` of 512 tokens: 61.6 s.
constexpr double kMeasuredWeightOnGpu = 61.6 / 878e6;
constexpr double kReadWeightOnGpu = 2.2 / 878e6; ///< from the disk to the GPU
constexpr double kOperationOnGpu = 2.5e-14;      ///< of a product in f32

double weightsOfLayer(const ModelConfig& config) {
    double weights = 0;
    for (const Module module : kModules) {
        weights += static_cast<double>(config.shapeOf(module).size());
    }
    return weights;
}

/// Of the text through all layers and into the Hessians of their inputs.
double calibrationOperations(const ModelConfig& config, int64_t tokens) {
    double eachLayer = weightsOfLayer(config);
    for (const InputGroup group : kInputGroups) {
        const auto inputs = static_cast<double>(config.inputSize(group));
        eachLayer += inputs * inputs;
    }
    return 2 * static_cast<double>(tokens) * config.layerCount * eachLayer;
}

} // namespace

double compressSeconds(const Plan& plan, const PlanCells& cells, int cores) {
    double seconds = 0;
    for (int layer = 0; layer < cells.layerCount(); ++layer) {
        for (const Module module : kModules) {
            const CellSettings& settings = cells.settingsOf({layer, module});
            if (!settings.skip) {
                seconds += static_cast<double>(cells.config().shapeOf(module).size()) *
                           kCodedWeight * settings.outerIterations / kUsualSweeps;
            }
        }
    }
    if (seconds > 0) { // without a cell to compress nothing is calibrated
        seconds += calibrationOperations(cells.config(), plan.calibration.tokens) * kOperation;
    }
    return seconds / std::max(1, cores);
}

double compressSecondsOnGpu(const PlanCells& cells) {
    double weights = 0;
    for (int layer = 0; layer < cells.layerCount(); ++layer) {
        for (const Module module : kModules) {
            if (!cells.settingsOf({layer, module}).skip) {
                weights += static_cast<double>(cells.config().shapeOf(module).size());
            }
        }
    }
    return weights * kWeightOnGpu;
}

int64_t likelyTokens(int64_t wanted, int64_t bytes) {
    return bytes < 0 ? wanted : std::min(wanted, std::max<int64_t>(bytes / kBytesOfToken, 1));
}

double fidelitySeconds(const ModelConfig& config, const FidelityWork& work, int cores) {
    const double layers = config.layerCount;
    const double weights = weightsOfLayer(config);
    const bool noise = work.kl || work.sipit;
    double operations = 0;
    double seconds = 0;
    if (work.proxy || noise) {
        operations += calibrationOperations(config, work.calibrationTokens);
        seconds += layers * weights * kMeasuredWeight;
    }
    if (noise) {
        seconds += layers * weights * kNoisyWeight;
    }
    // Each cell's variant of the text passes through the layers behind its own.
    const double variants = static_cast<double>(kModules.size()) * layers;
    double passes = layers * (work.kl || work.sipit || work.lens ? 1 : 0);
    double heads = work.lens ? layers : 0;
    if (work.kl) {
        passes += variants * (layers + 1) / 2;
        heads += variants;
    }
    if (work.sipit) {
        passes += variants + 2 * layers;
    }
    const double head = static_cast<double>(config.vocabSize) * config.hiddenSize;
    operations += 2 * static_cast<double>(work.textTokens) * (passes * weights + heads * head);
    return (seconds + operations * kOperation) / std::max(1, cores);
}

double fidelitySecondsOnGpu(const ModelConfig& config, const FidelityWork& work) {
    const double weights = config.layerCount * weightsOfLayer(config);
    double seconds = weights * kReadWeightOnGpu;
    if (work.proxy || work.kl || work.sipit) {
        seconds += weights * kMeasuredWeightOnGpu;
    }
    if (work.sipit || work.lens) {
        seconds += evaluateSecondsOnGpu(config, work.textTokens, static_cast<int>(kModules.size()));
    }
    return seconds;
}

namespace {

double passOperations(const ModelConfig& config, int64_t tokens) {
    const double head = static_cast<double>(config.vocabSize) * config.hiddenSize;
    return 2 * static_cast<double>(tokens) * (config.layerCount * weightsOfLayer(config) + head);
}

} // namespace

double evaluateSeconds(const ModelConfig& config, int64_t tokens, int models, int cores) {
    return models * passOperations(config, tokens) * kOperation / std::max(1, cores);
}

double evaluateSecondsOnGpu(const ModelConfig& config, int64_t tokens, int models) {
    const double reading = config.layerCount * weightsOfLayer(config) * kReadWeightOnGpu;
    return models * (reading + passOperations(config, tokens) * kOperationOnGpu);
}

} // namespace caldera
