// What the threads of a block tell each other, and scales that are powers of two.
#pragma once

#include <cstdint>

#include <cuda_fp16.h>

#include "kernels/common/launch.cuh"
#include "kernels/common/warp.cuh"

namespace caldera::kernels::prompt {

inline constexpr int kThreads = 256;
inline constexpr int kWarps = kThreads / kWarpLanes;

__device__ inline uint16_t halfBits(float value) {
    return __half_as_ushort(__float2half_rn(value));
}

__device__ inline float fromHalf(uint16_t bits) {
    return __half2float(__ushort_as_half(bits));
}

/// The values of all warps joined, in the same order every time; every thread gets the result.
template <class Join>
__device__ inline float joinWarps(float value, const Join& join) {
    __shared__ float ofWarp[kWarpLanes];
    __syncthreads(); // the array is no longer read
    if (laneIndex() == 0) {
        ofWarp[warpIndex()] = value;
    }
    __syncthreads();
    value = ofWarp[0];
    for (int warp = 1; warp < static_cast<int>(blockDim.x) / kWarpLanes; ++warp) {
        value = join(value, ofWarp[warp]);
    }
    return value;
}

__device__ inline float sumOfThreads(float value) {
    return joinWarps(sumLanes(value, 1), [](float a, float b) { return a + b; });
}

__device__ inline float largestOfThreads(float value) {
    return joinWarps(largestOfWarp(value), [](float a, float b) { return fmaxf(a, b); });
}

/// A power of two as a scale, and its inverse, which is exact.
struct PowerScale {
    float scale;
    float inverse;

    /// Brings `largest` to [2^14, 2^15).
    __device__ explicit PowerScale(float largest) {
        constexpr int kTop = 14;
        constexpr int kFarthest = 100; // both stay normal numbers
        const int exponent = min(max(ilogbf(largest), -kFarthest), kFarthest) - kTop;
        scale = scalbnf(1.0F, exponent);
        inverse = scalbnf(1.0F, -exponent);
    }
};

/// 1 / RMS of a vector, by all threads.
__device__ inline float inverseRms(const float* x, int size, float epsilon) {
    float squares = 0;
    for (int i = static_cast<int>(threadIdx.x); i < size; i += static_cast<int>(blockDim.x)) {
        squares = fmaf(x[i], x[i], squares);
    }
    return rsqrtf(sumOfThreads(squares) / static_cast<float>(size) + epsilon);
}

/// Thread blocks for so many threads.
inline unsigned gridFor(int64_t threads) {
    return static_cast<unsigned>((threads + kThreads - 1) / kThreads);
}

} // namespace caldera::kernels::prompt
