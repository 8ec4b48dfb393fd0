// All thread blocks of a kernel together: waiting for one another, reading ahead.
#pragma once

#include <cstdint>

#include "kernels/common/warp.cuh"
#include "kernels/step/memory.cuh"

namespace caldera::kernels::step {

/// Tells the other thread blocks that this one, whose threads are all done, is.
__device__ inline void arriveAtGrid(uint32_t* counter) {
    if (threadIdx.x == 0) {
        asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(counter) : "memory");
    }
}

/// A phase's description, a piece by each thread, to its place.
__device__ inline void copyPhaseLater(const StepPhase* phase, int place) {
    constexpr int kPieces = sizeof(StepPhase) / sizeof(uint4);
    static_assert(sizeof(StepPhase) % sizeof(uint4) == 0 && kPieces <= kStepThreads);
    const int piece = threadNumber();
    if (piece < kPieces) {
        copyLater(reinterpret_cast<uint4*>(&stepMemory().phase[place]) + piece,
                  reinterpret_cast<const uint4*>(phase) + piece);
    }
}

/// The thread that waits for the grid. The first one still tells the others when it would.
inline constexpr int kWaitingThread = kStepThreads - kWarpLanes;

/// Where a phase begins with what depends on the phase before. Every phase calls it once, by all
/// threads; before that it does what does not: it knows its place, not what is current. All thread
/// blocks must run at once (a cooperative launch).
__device__ inline void beginPhase() {
    StepMemory& memory = stepMemory();
    if (threadNumber() == kWaitingThread) {
        uint32_t arrived = 0;
        do {
            asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
                         : "=r"(arrived)
                         : "l"(memory.barrier)
                         : "memory");
        } while (arrived < memory.wanted);
        if (memory.clock != nullptr) {
            *memory.clock = clock64();
        }
    }
    __syncthreads();
    if (memory.next != nullptr) {
        copyPhaseLater(memory.next, 1 - memory.current);
    }
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
