// All thread blocks of a kernel together: waiting for one another, reading ahead.
#pragma once

#include <cstdint>

#include "kernels/common/warp.cuh"
#include "kernels/step/items.cuh"
#include "kernels/step/memory.cuh"

namespace caldera::kernels::step {

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

/// Lets bytes travel into the second-level cache; a warp has some of the entries. The last two
/// have none, for they tell the grid and wait for it.
template <int kCount>
__device__ inline void fetch(const StepAhead (&all)[kCount]) {
    constexpr int kLine = 128;
    const int warps = static_cast<int>(blockDim.x) / kWarpLanes - 2;
    const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
    const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
    if (warp >= warps) {
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

/// The threads that tell the grid when their thread block is done, and wait for the others: ends of
/// products leave their warps idle, and what one does would delay the other.
inline constexpr int kTellingThread = kStepThreads - 2 * kWarpLanes;
inline constexpr int kWaitingThread = kStepThreads - kWarpLanes;

/// The phase before that at `place` is over: all of the thread block are done with it, and the grid
/// is told.
__device__ inline void endPhaseBefore(int place) {
    waitForCopies();
    __syncthreads();
    const StepPhase& before = phaseAt(1 - place);
    const bool isBarrier = before.barrier != 0;
    StepProgress& progress = stepMemory().progress;
    if (isBarrier && threadNumber() == kTellingThread) {
        asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(progress.totals) : "memory");
    }
    if (threadNumber() == kWaitingThread) {
        progress.wanted += isBarrier ? gridDim.x : 0;
        progress.current = place;
        progress.tickets = kFirstTicket;
        ++progress.index;
    }
    if (isBarrier) {
        fetch(before.ahead);
    }
}

/// Where a phase begins with what depends on the phase before. Every phase calls it once, by all
/// threads and in one place; what does not depend on it, it loads before. All thread blocks must
/// run at once (a cooperative launch).
__device__ inline void beginPhase() {
    StepProgress& progress = stepMemory().progress;
    if (threadNumber() == kWaitingThread) {
        uint32_t arrived = 0;
        do {
            asm volatile("ld.acquire.gpu.global.u32 %0, [%1];"
                         : "=r"(arrived)
                         : "l"(progress.totals)
                         : "memory");
        } while (arrived < progress.wanted);
        if (progress.clocks != nullptr) {
            progress.clocks[progress.index] = clock64();
        }
    }
    __syncthreads();
    if (progress.index + 1 < progress.phaseCount) {
        copyPhaseLater(progress.phases + progress.index + 1, 1 - progress.current);
    }
}

} // namespace caldera::kernels::step
