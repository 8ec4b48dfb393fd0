// All thread blocks of a kernel together: waiting for one another, reading ahead.
#pragma once

#include <cstdint>

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

/// Lets bytes travel into the second-level cache, each thread some lines.
template <int kCount>
__device__ inline void fetch(const StepAhead (&all)[kCount]) {
    constexpr int64_t kLine = 128;
    const int64_t thread = static_cast<int64_t>(threadIdx.x) * gridDim.x + blockIdx.x;
    const int64_t threads = static_cast<int64_t>(gridDim.x) * blockDim.x;
#pragma unroll 1
    for (const StepAhead& each : all) {
        if (each.count == 0) {
            return;
        }
        const auto* bytes = static_cast<const char*>(each.bytes);
#pragma unroll 1
        for (int64_t at = thread * kLine; at < each.count; at += threads * kLine) {
            asm volatile("prefetch.global.L2 [%0];" ::"l"(bytes + at));
        }
    }
}

} // namespace caldera::kernels::step
