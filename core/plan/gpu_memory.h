// What a plan's model takes of a GPU's memory, and what a step of it reads there.
#pragma once

#include <cstdint>

#include "core/model/codec_facts.h"
#include "core/plan/gpu_workspace.h"
#include "core/plan/plan.h"

namespace caldera {

/// Bytes behind the last tensor that kernels may read.
inline constexpr int64_t kGpuReadBeyond = 4096;

/// Keys and values of one token in all layers, at 16 or 8 bits a number.
int64_t gpuCacheTokenBytes(const ModelConfig& config, int cacheBits);

/// What a tensor of so many bytes takes among others.
int64_t gpuTensorBytes(int64_t bytes);

/// Whether a GPU's products read the codec's codes as they are stored (kernels/step/step_code.h).
bool multipliesCodes(const CodecFacts& codec);

/// One cell on a GPU. Codes for which a GPU has no product lie there as 16-bit numbers.
int64_t gpuCellBytes(const CellSettings& settings, MatrixShape shape);
/// The same as a step reads it, without what is rounded up.
int64_t gpuCellReadBytes(const CellSettings& settings, MatrixShape shape);
/// The head. An embedding of its own stays in the machine's memory.
int64_t gpuHeadBytes(const ModelConfig& config, int bits);
/// The same as a step reads it.
int64_t gpuHeadReadBytes(const ModelConfig& config, int bits);

/// All tensors of a plan's model.
int64_t gpuWeightBytes(const Plan& plan, const ModelConfig& config);

/// What an engine takes of a GPU.
struct GpuMemory {
    int64_t weightBytes = 0;
    int64_t cacheBytes = 0;
    int64_t workspaceBytes = 0;
    int64_t total() const { return weightBytes + cacheBytes + workspaceBytes; }
};

/// With keys and values of `cacheBits` bits, 16 or 8, for all chats of the load.
GpuMemory gpuMemory(const Plan& plan, const ModelConfig& config, const GpuLoad& load,
                    int cacheBits);
/// The same with the plan's cells, where they are resolved already.
GpuMemory gpuMemory(const Plan& plan, const PlanCells& cells, const ModelConfig& config,
                    const GpuLoad& load, int cacheBits);

/// Bytes that a step reads for one chat at the end of its context: weights, keys and values. (The
/// one row of the embedding is nothing beside them.)
int64_t gpuStepBytes(const Plan& plan, const ModelConfig& config, const GpuLoad& load,
                     int cacheBits);
/// The same with the plan's cells.
int64_t gpuStepBytes(const Plan& plan, const PlanCells& cells, const ModelConfig& config,
                     const GpuLoad& load, int cacheBits);

} // namespace caldera
