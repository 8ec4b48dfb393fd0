#include "kernels/step/step_cuda.h"

#include <algorithm>
#include <limits>

#include "kernels/common/device_memory.h"
#include "kernels/lloyd/lloyd.h"
#include "kernels/step/attend.cuh"
#include "kernels/step/embed.cuh"
#include "kernels/step/finish.cuh"
#include "kernels/step/finish_batch.cuh"
#include "kernels/step/grid.cuh"
#include "kernels/step/program_sizes.h"
#include "kernels/step/run_product.cuh"
#include "kernels/trellis/code_shape.cuh"

namespace caldera::kernels {
namespace {

using namespace step;
using cuda::divideUp;

static_assert(kBlocksTogether == cuda::kLeastSplitBlocks);

/// By value in every launch: 64 bytes of parameters.
struct LloydLevels {
    float at[16];
};

/// A chain of conditions: a jump table's address would be one more thing to wait for.
template <bool kBatched>
__device__ void runPhase(int place, int& filled) {
    const StepPhase& phase = phaseAt(place);
    const PhaseKind kind = phase.kind;
    const bool isEven = phase.isEven != 0;
    if (kind == PhaseKind::Product) {
        runProduct<kBatched>(place, filled);
    } else if (kBatched && kind == PhaseKind::Finish && isFinishShared(phase.finish)) {
        runFinishBatch(place);
    } else if (kind == PhaseKind::Finish) {
        isEven ? runFinish<true>(place) : runFinish<false>(place);
    } else if (kind == PhaseKind::Attend) {
        runAttend<kBatched>(place);
    } else if (kind == PhaseKind::Combine) {
        isEven ? runCombine<true>(place) : runCombine<false>(place);
    } else {
        isEven ? runEmbed<true>(place) : runEmbed<false>(place);
    }
}

/// What does not change from phase to phase, and the first description.
template <bool kBatched>
__device__ void beginStep(const StepProgress& progress, const StepState* state,
                          const LloydLevels& levels) {
    const int thread = static_cast<int>(threadIdx.x);
    StepMemory& memory = stepMemory();
    if (thread < 16) {
        memory.levels[thread] = levels.at[thread];
    }
    if (thread < 256) {
        const int low = __float2int_rn(levels.at[thread % 16] * kLevelUnits);
        const int high = __float2int_rn(levels.at[thread / 16] * kLevelUnits);
        memory.levelPairs[thread] = (low & 0xFFFF) | high << 16;
    }
    if (thread < static_cast<int>(sizeof(StepState) / 4)) {
        reinterpret_cast<int*>(&memory.state)[thread] = reinterpret_cast<const int*>(state)[thread];
    }
    if (thread == 0) {
        memory.progress = progress;
        memory.phase[1].barrier = 0; // there is none before the first
    }
    copyPhaseLater(progress.phases, 0);
    waitForCopies();
    __syncthreads();
    if (thread < memory.state.count) {
        noteParts(thread, kBatched ? memory.state.count : 1);
    }
    __syncthreads();
}

template <bool kBatched>
__global__ void __launch_bounds__(kStepThreads, 1)
    stepKernel(const StepPhase* phases, int phaseCount, const StepState* state,
               unsigned long long* totals, LloydLevels levels, int64_t* clocks) {
    int64_t* noted = blockIdx.x == 0 ? clocks : nullptr;
    beginStep<kBatched>({phases, phaseCount, -1, 0, 0, 0, noted, totals}, state, levels);
    int filled = -1;
    for (int i = 0; i < phaseCount; ++i) {
        const int place = i % 2;
        endPhaseBefore(place);
        fetch(phaseAt(place).soon);
        runPhase<kBatched>(place, filled);
    }
    if (noted != nullptr && threadIdx.x == 0) {
        noted[phaseCount] = clock64();
    }
}

LloydLevels levelsOfFourBits() {
    LloydLevels levels{};
    std::copy_n(lloydLevels(4).begin(), 16, levels.at);
    return levels;
}

int attribute(cudaDeviceAttr which) {
    int device = 0;
    int value = 0;
    cudaGetDevice(&device);
    cudaDeviceGetAttribute(&value, which, device);
    return value;
}

/// How the kernel at hand lays out shared memory. The GPU itself does not say: later ones run what
/// was compiled for earlier ones.
bool isLaidOutLarge() {
    cudaFuncAttributes attributes{};
    cuda::require(cudaFuncGetAttributes(&attributes, stepKernel<false>), "Looking for kernels");
    return hasLargeSharedMemory(attributes.ptxVersion);
}

/// Turns of a warp over so many blocks of columns.
int64_t turnsOf(int64_t blocks) {
    return std::max<int64_t>(1, divideUp(blocks, kBlocksTogether));
}

/// How often all warps of the GPU have an item.
double wavesOf(int64_t items) {
    return static_cast<double>(divideUp(items, cuda::stepWarps()));
}

/// Blocks of a piece that shared memory has room for, as BatchMemory lays it out.
int64_t mostBatchBlocks(int codeBytes) {
    constexpr int kBlockBytes =
        kBatch * static_cast<int>(kQuantizedBlock + static_cast<int64_t>(sizeof(float)));
    constexpr int kBeyond = kBatch * 16;
    const int room = cuda::stepSharedLimit() - static_cast<int>(sizeof(StepMemory)) -
                     tableBytes(isLaidOutLarge()) - kBeyond -
                     kStepThreads / kWarpLanes * (codeBytes + codeBytes / 4); // with what pads it
    return std::max(0, room / kBlockBytes);
}

/// The same of a table's inputs, see TableInputs.
int64_t mostTableBlocks() {
    constexpr int kBlockBytes =
        kBatch * (2 * static_cast<int>(kQuantizedBlock) + 3 * static_cast<int>(sizeof(float)));
    const int room =
        cuda::stepSharedLimit() - static_cast<int>(sizeof(StepMemory)) - 2 * kBatch * kTableGroup;
    return std::max(0, room / kBlockBytes);
}

} // namespace

namespace cuda {

int stepSharedBytes(int blocks, int bits) {
    // The last turn of a row may look at blocks beyond the input's end.
    const int codes = (blocks + kBlocksTogether) * static_cast<int>(kQuantizedBlock) * bits / 8;
    return static_cast<int>(sizeof(StepMemory)) + tableBytes(isLaidOutLarge()) +
           std::max(codes, cacheBuffers(isLaidOutLarge()) * kCacheBytes);
}

int stepSharedLimit() {
    constexpr int kAmpere = 99 << 10; // and Ada
    const int most = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
    return isLaidOutLarge() ? most : std::min(most, kAmpere);
}

int stepGrid() {
    return std::max(1, attribute(cudaDevAttrMultiProcessorCount));
}

int64_t stepWarps() {
    return int64_t{stepGrid()} * kStepThreads / kWarpLanes;
}

StepSplit splitProduct(int64_t groups, int64_t blocks) {
    /// Turns that summing 16 rows over a warp takes the time of.
    constexpr double kSumTurns = 0.5;
    const int64_t all = turnsOf(blocks);
    StepSplit best;
    double least = std::numeric_limits<double>::max();
    for (int64_t turns = all; turns >= 1; --turns) { // that a warp takes for a part of a row
        const int64_t splits = divideUp(all, turns);
        const double time = wavesOf(groups * splits) * (static_cast<double>(turns) + kSumTurns);
        if (time < least) {
            least = time;
            best = {static_cast<int>(splits), static_cast<int>(turns) * kBlocksTogether};
        }
    }
    return best;
}

StepBatch splitTable(int64_t groups, int64_t blocks) {
    const int64_t most = mostTableBlocks();
    if (isLaidOutLarge()) {
        const StepSplit split = splitProduct(groups, blocks);
        return blocks <= most ? StepBatch{split, split.splits * split.splitBlocks} : StepBatch{};
    }
    const int64_t pieces = divideUp(turnsOf(blocks), most / kBlocksTogether); // see kHasTablePieces
    const auto each = static_cast<int>(divideUp(turnsOf(blocks), pieces)) * kBlocksTogether;
    return {{static_cast<int>(divideUp(blocks, each)), each}, each};
}

StepBatch splitBatch(int64_t groups, int64_t blocks, int codeBytes) {
    /// Turns that an item's beginning and end take the time of, and a piece's.
    constexpr double kItemTurns = 0.5;
    constexpr double kPieceTurns = 1;
    const int64_t most = mostBatchBlocks(codeBytes) / kBlocksTogether; // turns
    const int64_t all = turnsOf(blocks);
    StepBatch best;
    double least = std::numeric_limits<double>::max();
    for (int64_t turns = std::min(all, most); turns >= 1; --turns) {
        const int64_t splits = divideUp(all, turns);
        const int64_t together = std::min(most / turns, splits);
        const int64_t pieces = divideUp(splits, together);
        const int64_t last = splits - (pieces - 1) * together;
        const double waves =
            static_cast<double>(pieces - 1) * wavesOf(groups * together) + wavesOf(groups * last);
        const double time = waves * (static_cast<double>(turns) + kItemTurns) +
                            static_cast<double>(pieces) * kPieceTurns;
        if (time < least) {
            least = time;
            const int splitBlocks = static_cast<int>(turns) * kBlocksTogether;
            best = {{static_cast<int>(splits), splitBlocks},
                    static_cast<int>(together) * splitBlocks};
        }
    }
    return best;
}

void runStep(const StepLaunch& launch, CudaStream stream) {
    static const LloydLevels levels = levelsOfFourBits();
    const auto kernel = launch.isBatched ? stepKernel<true> : stepKernel<false>;
    // The same for all programs: the attribute belongs to the kernel, not to the launch.
    require(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 stepSharedLimit()),
            "Preparing a step");
    cudaMemsetAsync(launch.totals, 0, static_cast<size_t>(launch.totalCount) * sizeof(int64_t),
                    stream);
    LloydLevels copy = levels;
    StepLaunch given = launch;
    void* arguments[] = {&given.phases, &given.phaseCount, &given.state, &given.totals,
                         &copy,         &given.clocks};
    cudaLaunchCooperativeKernel(reinterpret_cast<const void*>(kernel),
                                dim3(static_cast<unsigned>(stepGrid())), dim3(kStepThreads),
                                arguments, static_cast<size_t>(launch.sharedBytes), stream);
    checkLaunch("step");
}

} // namespace cuda
} // namespace caldera::kernels
