// All thread blocks of a kernel together: waiting for one another, reading ahead.
#pragma once

#include <cstdint>

#include "kernels/common/warp.cuh"
#include "kernels/step/step.h"

namespace caldera::kernels::step {

/// Tells the other thread blocks that this one is done with what it wrote; all threads call it.
__device__ inline void arriveAtGrid(uint32_t* counter) {
    __syncthreads();
    if (threadIdx.x == 0) {
        asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(counter) : "memory");
    }
}

/// Returns when every thread block has arrived `count` times; what they wrote before is then
/// visible. All of them must run at once (a cooperative launch).
__device__ inline void waitForGrid(uint32_t* counter, uint32_t count) {
    if (threadIdx.x == 0) {
        const uint32_t wanted = count * gridDim.x;
        uint32_t arrived = 0;
        do {
            asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
                         : "=r"(arrived)
                         : "l"(counter)
                         : "memory");
        } while (arrived < wanted);
    }
    __syncthreads();
}

/// Lets bytes travel into the second-level cache; a warp has some of the entries. The first warp
/// has none, for its first thread waits for the grid.
template <int kCount>
__device__ inline void fetch(const StepAhead (&all)[kCount]) {
    constexpr int kLine = 128;
    const int warps = static_cast<int>(blockDim.x) / kWarpLanes - 1;
    const int warp = static_cast<int>(threadIdx.x) / kWarpLanes - 1;
    const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
    if (warp < 0) {
        return;
    }
#pragma unroll 1
    for (int i = warp; i < kCount && all[i].count > 0; i += warps) {
        const auto* bytes = static_cast<const char*>(all[i].bytes);
        const int count = all[i].count;
#pragma unroll 1
        for (int at = (lane * static_cast<int>(gridDim.x) + static_cast<int>(blockIdx.x)) * kLine;
             at < count; at += kWarpLanes * static_cast<int>(gridDim.x) * kLine) {
            asm volatile("prefetch.global.L2 [%0];" ::"l"(bytes + at));
        }
    }
}

} // namespace caldera::kernels::step
