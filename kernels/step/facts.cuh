// Numbers of a products' input that the ends of rows need.
#pragma once

#include "kernels/step/items.cuh"
#include "kernels/step/memory.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// What the end of the rows needs of the input, worked out by one warp of the grid a sequence.
__device__ inline void noteFacts(const ProductPhase& phase) {
    const StepFacts& facts = phase.facts;
    if (warpIndex() != kFirstTicket - 1) {
        return;
    }
    // The last thread blocks have the fewest items.
#pragma unroll 1
    for (int sequence = static_cast<int>(gridDim.x - 1 - blockIdx.x);
         sequence < stepMemory().state.count; sequence += static_cast<int>(gridDim.x)) {
        if (facts.squares != nullptr) {
            float total = 0;
#pragma unroll 8
            for (int i = laneIndex(); i < facts.squareBlocks; i += kWarpLanes) {
                total += facts.squares[sequence * facts.squareBlocks + i];
            }
            facts.inverseRms[sequence] =
                rsqrtf(sumWarp(total) / static_cast<float>(facts.normSize) + facts.epsilon);
        }
        if (facts.halfSteps != nullptr) {
            const StepVector& x = phase.rotated;
            const int64_t first = static_cast<int64_t>(sequence) * x.blocks;
            float total = 0;
#pragma unroll 8
            for (int i = laneIndex(); i < x.blocks; i += kWarpLanes) {
                total = fmaf(x.scale[first + i], x.sum[first + i], total);
            }
            facts.halfSteps[sequence] = sumWarp(total) / 2;
        }
    }
}

} // namespace caldera::kernels::step
