// What the lanes of a warp tell each other.
#pragma once

#include <climits>

namespace caldera::kernels {

inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;
inline constexpr int kWarpLanes = 32;

/// The thread's number, of which the compiler knows nothing: else it would work out what follows
/// from it once for a whole kernel, and large ones would not have enough registers.
__device__ inline int threadNumber() {
    int thread = static_cast<int>(threadIdx.x);
    asm volatile("" : "+r"(thread));
    return thread;
}

__device__ inline int laneIndex() {
    return threadNumber() % kWarpLanes;
}

__device__ inline int warpIndex() {
    return threadNumber() / kWarpLanes;
}

__device__ inline float largestOfWarp(float value) {
#pragma unroll
    for (int distance = kWarpLanes / 2; distance > 0; distance /= 2) {
        value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, distance));
    }
    return value;
}

/// The least value of all lanes and the least key of the lanes that hold it.
struct LeastOf {
    int value;
    int key;
};

__device__ inline LeastOf leastOfLanes(int value, int key) {
    const int least = __reduce_min_sync(kAllLanes, value);
    return {least, __reduce_min_sync(kAllLanes, value == least ? key : INT_MAX)};
}

} // namespace caldera::kernels
