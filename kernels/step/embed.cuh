// Phases of one warp a block of 128 elements: embeddings, and the parts of attention joined.
#pragma once

#include "kernels/step/attend.cuh"
#include "kernels/step/stored.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

__device__ __noinline__ float embeddingValue(const EmbedPhase& phase, int64_t row, int i) {
    return tableValue(phase, row, i) * tableScale(phase, row);
}

__device__ inline void embedBlock(const EmbedPhase& phase, int sequence, int block, int64_t row) {
    const InputFactors factors(phase.next, block);
    const int first = firstElement(block);
    const float4 value = loadSome(phase.columns - first, 0,
                                  [&](int i) { return embeddingValue(phase, row, first + i); });
    if (first < phase.columns) {
        storeFour(phase.hidden + static_cast<int64_t>(sequence) * phase.columns, first,
                  phase.columns, value);
    }
    storeInput(phase.next, sequence, block, value, factors.norm, factors.sign);
}

/// Calls work(sequence, block) once for every sequence and block of 128, each by a warp.
template <class Work>
__device__ inline void forBlocks(int sequences, int blocks, const Work& work) {
    const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
    constexpr int kWarps = kStepThreads / kWarpLanes;
    for (int unit = warp * static_cast<int>(gridDim.x) + static_cast<int>(blockIdx.x);
         unit < sequences * blocks; unit += kWarps * static_cast<int>(gridDim.x)) {
        work(unit / blocks, unit % blocks);
    }
}

__device__ __noinline__ void runEmbed() {
    const EmbedPhase& phase = currentPhase().embed;
    const StepState& state = stepMemory().state;
    forBlocks(state.count, blocksOf(phase.columns), [&](int sequence, int block) {
        embedBlock(phase, sequence, block, state.token[sequence]);
    });
}

__device__ __noinline__ void runCombine() {
    const CombinePhase& phase = currentPhase().combine;
    const StepState& state = stepMemory().state;
    forBlocks(state.count, blocksOf(phase.next.size), [&](int sequence, int block) {
        combineBlock(phase, sequence, block, partsOf(state.position[sequence] + 1));
    });
}

} // namespace caldera::kernels::step
