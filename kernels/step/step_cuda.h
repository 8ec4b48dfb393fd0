// Runs the phases of a step in one kernel; only in builds with CUDA.
#pragma once

#include "kernels/common/cuda_stream.h"
#include "kernels/step/step.h"

namespace caldera::kernels::cuda {

/// Fewer sequences are faster one after another.
inline constexpr int kStepLeastBatch = 3;

/// What a launch needs beside the phases.
struct StepLaunch {
    const StepPhase* phases = nullptr; ///< memory of the GPU
    int phaseCount = 0;
    int sequences = 1; ///< as in the state; from kStepLeastBatch on they are multiplied together
    const StepState* state = nullptr; ///< memory of the GPU, read when the kernel runs
    /// Set to 0 by the launch: a word for the grid's barriers, then sums of factors' products as
    /// whole numbers of 1 / kTotalUnits, so that their order does not count.
    int64_t* totals = nullptr;
    int64_t totalCount = 1;
    int sharedBytes = 0; ///< stepSharedBytes() of the largest product
    /// Null, or [phaseCount + 1]: clocks of the first thread block when all were done with what is
    /// before a phase, and at the end.
    int64_t* clocks = nullptr;
};

/// Shared memory that a step needs whose widest input has so many blocks of 128 codes of so many
/// bits.
int stepSharedBytes(int blocks, int bits);
/// The most that a thread block of this GPU can have.
int stepSharedLimit();
/// Thread blocks of a step on this GPU: one for each multiprocessor.
int stepGrid();

/// How a product is shared out over the warps of this GPU.
struct StepSplit {
    int splits = 1;
    int splitBlocks = 0; ///< of 128 columns; a multiple of 4
};
/// Parts have at most `most` blocks, a multiple of 4.
StepSplit splitProduct(int64_t groups, int64_t blocks, int most);
/// The most blocks of a part whose product with several vectors goes through tensor cores; 0 where
/// this GPU has not the shared memory for that.
int stepBatchBlocks();

/// Throws KernelError.
void runStep(const StepLaunch& launch, CudaStream stream);

} // namespace caldera::kernels::cuda
