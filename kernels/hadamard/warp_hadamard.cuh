// The Hadamard transform of what one warp holds.
#pragma once

#include "kernels/common/warp.cuh"

namespace caldera::kernels {

/// 32 * kItems neighbouring values, lane holding value item * 32 + lane, times H * scale in aligned
/// blocks of a power of two up to all of them. Additions run from the nearest partner to the
/// farthest, as in the reference, so that the bits agree with the processor.
template <int kItems>
__device__ inline void hadamardInWarp(float (&value)[kItems], int block, float scale) {
    const int lane = threadIdx.x % kWarpLanes;
    for (int half = 1; half < kWarpLanes && half < block; half *= 2) {
#pragma unroll
        for (float& own : value) {
            const float partner = __shfl_xor_sync(kAllLanes, own, half);
            own = (lane & half) != 0 ? partner - own : own + partner;
        }
    }
#pragma unroll
    for (int half = 1; half < kItems; half *= 2) {
        if (half * kWarpLanes >= block) {
            break;
        }
#pragma unroll
        for (int item = 0; item < kItems; ++item) {
            if ((item & half) == 0) {
                const float a = value[item];
                const float b = value[item + half];
                value[item] = a + b;
                value[item + half] = a - b;
            }
        }
    }
#pragma unroll
    for (float& own : value) {
        own *= scale;
    }
}

} // namespace caldera::kernels
