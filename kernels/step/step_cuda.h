// Runs the phases of a step in one kernel; only in builds with CUDA.
#pragma once

#include "kernels/common/cuda_stream.h"
#include "kernels/step/step.h"

namespace caldera::kernels::cuda {

/// Sequences that are multiplied together, at least.
inline constexpr int kStepLeastBatch = 2;

/// What a launch needs beside the phases.
struct StepLaunch {
    const StepPhase* phases = nullptr; ///< memory of the GPU
    int phaseCount = 0;
    /// Sequences are multiplied together, where they are kStepLeastBatch or more: what one gives
    /// depends on their number then, in its last bits.
    bool isBatched = false;
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
/// Warps of all of them.
int64_t stepWarps();

/// The least blocks of 128 columns of a part of a product: what a warp multiplies in a turn.
inline constexpr int kLeastSplitBlocks = 4;

/// How a product is shared out over the warps of this GPU.
struct StepSplit {
    int splits = 1;
    int splitBlocks = 0; ///< of 128 columns; a multiple of kLeastSplitBlocks
};
StepSplit splitProduct(int64_t groups, int64_t blocks);

/// The same for products with several vectors on tensor cores: all warps of a thread block share
/// pieces of the inputs, whole parts of the columns.
struct StepBatch {
    StepSplit split;
    int pieceBlocks = 0; ///< a multiple of split.splitBlocks; 0: this GPU has no room for a piece
};
/// codeBytes: of a block of 16 rows by 128 columns.
StepBatch splitBatch(int64_t groups, int64_t blocks, int codeBytes);
/// Of a table of whole numbers, whose inputs have 16 bits.
StepBatch splitTable(int64_t groups, int64_t blocks);

/// Throws KernelError.
void runStep(const StepLaunch& launch, CudaStream stream);

} // namespace caldera::kernels::cuda
