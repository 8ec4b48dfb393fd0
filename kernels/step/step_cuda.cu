#include "kernels/step/step_cuda.h"

#include <algorithm>
#include <limits>

#include "kernels/common/device_memory.h"
#include "kernels/lloyd/lloyd.h"
#include "kernels/step/attend.cuh"
#include "kernels/step/embed.cuh"
#include "kernels/step/finish.cuh"
#include "kernels/step/grid.cuh"
#include "kernels/step/run_product.cuh"
#include "kernels/trellis/code_shape.cuh"

namespace caldera::kernels {
namespace {

using namespace step;

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
    } else if (kind == PhaseKind::Finish) {
        isEven ? runFinish<true>(place) : runFinish<false>(place);
    } else if (kind == PhaseKind::Attend) {
        runAttend(place);
    } else if (kind == PhaseKind::Combine) {
        isEven ? runCombine<true>(place) : runCombine<false>(place);
    } else {
        isEven ? runEmbed<true>(place) : runEmbed<false>(place);
    }
}

/// What does not change from phase to phase, and the first description.
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
        noteParts(thread);
    }
    __syncthreads();
}

template <bool kBatched>
__global__ void __launch_bounds__(kStepThreads, 1)
    stepKernel(const StepPhase* phases, int phaseCount, const StepState* state,
               unsigned long long* totals, LloydLevels levels, int64_t* clocks) {
    int64_t* noted = blockIdx.x == 0 ? clocks : nullptr;
    beginStep({phases, phaseCount, -1, 0, 0, 0, noted, totals}, state, levels);
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

/// As step::kTableBytes and step::kCacheBuffers where the kernel was compiled for this GPU.
bool isHopperOrLater() {
    return attribute(cudaDevAttrComputeCapabilityMajor) >= 9;
}

int tableBytes() {
    return isHopperOrLater() ? 128 << 10 : 32 << 10;
}

int cacheBuffers() {
    return isHopperOrLater() ? 2 : 1;
}

} // namespace

namespace cuda {

int stepSharedBytes(int blocks, int bits) {
    static_assert(sizeof(StepMemory) + (128 << 10) + kBatchMemoryBytes <= 227 << 10);
    // The last turn of a row may look at blocks beyond the input's end.
    const int codes = (blocks + kBlocksTogether) * static_cast<int>(kQuantizedBlock) * bits / 8;
    return static_cast<int>(sizeof(StepMemory)) + tableBytes() +
           std::max(
               {codes, cacheBuffers() * kCacheBytes, isHopperOrLater() ? kBatchMemoryBytes : 0});
}

int stepSharedLimit() {
    return attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
}

int stepGrid() {
    return std::max(1, attribute(cudaDevAttrMultiProcessorCount));
}

int stepBatchBlocks() {
    return isHopperOrLater() ? kBatchBlocks : 0;
}

StepSplit splitProduct(int64_t groups, int64_t blocks, int most) {
    /// Turns that summing 16 rows over a warp takes the time of.
    constexpr double kSumTurns = 0.5;
    const int64_t warps = static_cast<int64_t>(stepGrid()) * kStepThreads / kWarpLanes;
    const int64_t all = std::max<int64_t>(1, (blocks + kBlocksTogether - 1) / kBlocksTogether);
    StepSplit best;
    double least = std::numeric_limits<double>::max();
    const int64_t longest = std::min<int64_t>(all, most / kBlocksTogether);
    for (int64_t turns = longest; turns >= 1; --turns) { // that a warp takes for a part of a row
        const int64_t splits = (all + turns - 1) / turns;
        const int64_t waves = (groups * splits + warps - 1) / warps;
        const double time = static_cast<double>(waves) * (static_cast<double>(turns) + kSumTurns);
        if (time < least) {
            least = time;
            best = {static_cast<int>(splits), static_cast<int>(turns) * kBlocksTogether};
        }
    }
    return best;
}

void runStep(const StepLaunch& launch, CudaStream stream) {
    static const LloydLevels levels = levelsOfFourBits();
    const auto kernel = launch.sequences >= kStepLeastBatch ? stepKernel<true> : stepKernel<false>;
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
