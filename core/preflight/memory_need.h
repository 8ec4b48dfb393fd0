// What work on a model takes of a machine's memory at its peak, from the model's shape alone.
#pragma once

#include <cstdint>

#include "core/plan/gpu_memory.h"
#include "core/plan/plan_cells.h"

namespace caldera {

/// Where LibTorch computes.
enum class Processor { Cpu, Gpu };

/// Bytes that are surely enough: counted from what is alive at the same time, and rounded up by
/// what allocators leave unused. A GPU's include the driver's context.
struct MemoryNeed {
    int64_t host = 0;
    int64_t gpu = 0; ///< 0: no GPU is used
};

/// To compress the cells by their settings with so many calibration tokens.
MemoryNeed compressMemory(const PlanCells& cells, const CalibrationSettings& calibration,
                          Processor on);

/// What a measurement of fragility passes through the model.
struct FidelityMemory {
    bool calibrates = true;   ///< proxy, kl or sipit
    bool kl = false;          ///< variants of the held-out text
    int64_t textTokens = 0;   ///< held-out
    int64_t window = 0;       ///< tokens of it that pass together
    int64_t sideTokens = 0;   ///< further ones of sipit: candidates, disturbed text
    int64_t comparisons = 0;  ///< of lens: tokens that states are compared with, of all places
    int64_t variantBytes = 0; ///< that the variants of kl may take on a GPU
};
MemoryNeed fidelityMemory(const PlanCells& cells, const CalibrationSettings& calibration,
                          const FidelityMemory& work, Processor on);

/// What an evaluation passes through one model and, with a reference, another of the same shape.
struct EvaluateMemory {
    int64_t tokens = 0; ///< of the text, or an upper bound
    int64_t context = 0;
    int64_t hiddenBytes = 0; ///< of hidden states held at once, for each model
    bool hasReference = false;
};
MemoryNeed evaluateMemory(const ModelConfig& config, const EvaluateMemory& work, Processor on);

/// What an engine on a processor takes: the artifact's mapped bytes, and keys and values of its
/// conversations in 32 bits.
MemoryNeed serveMemory(const ModelConfig& config, int64_t artifactBytes, const GpuLoad& load);
/// The same on a GPU, where as much is taken for keys and values as one conversation needs and
/// more only where it is free; the embedding stays in the machine's memory.
MemoryNeed serveMemoryOnGpu(const Plan& plan, const PlanCells& cells, const GpuLoad& load,
                            int cacheBits);

} // namespace caldera
