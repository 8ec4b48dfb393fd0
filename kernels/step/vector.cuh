// A warp with 128 neighbouring values, four a lane: loads, norm, rotation, codes.
//
// Phases with little work run through their instructions once and then wait for others, so their
// time is the time to fetch instructions: functions here are small and not inlined where they are
// used in several places.
#pragma once

#include <cuda_fp16.h>

#include "kernels/common/launch.cuh"
#include "kernels/common/warp.cuh"
#include "kernels/step/memory.cuh"

namespace caldera::kernels::step {

/// Values of a lane.
inline constexpr int kOfLane = static_cast<int>(kQuantizedBlock) / kWarpLanes;
static_assert(kOfLane == 4);

/// The first of a lane's elements in a block of a vector.
__device__ inline int firstElement(int block) {
    return block * static_cast<int>(kQuantizedBlock) + laneIndex() * kOfLane;
}

/// Blocks of 128 that a vector has.
__device__ inline int blocksOf(int size) {
    return (size + static_cast<int>(kQuantizedBlock) - 1) / static_cast<int>(kQuantizedBlock);
}

__device__ inline const __half* halves(const uint16_t* bits) {
    return reinterpret_cast<const __half*>(bits);
}

__device__ inline float sumWarp(float value) {
    return sumLanes(value, 1);
}

__device__ inline float4 all(float value) {
    return {value, value, value, value};
}

__device__ inline float4 times(float4 a, float4 b) {
    return {a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w};
}

__device__ inline float4 plus(float4 a, float4 b) {
    return {a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w};
}

/// Some of four elements, the others `instead`; where they are not aligned or not all there.
template <class Load>
__device__ inline float4 loadSome(int count, float instead, const Load& load) {
    return {count > 0 ? load(0) : instead, count > 1 ? load(1) : instead,
            count > 2 ? load(2) : instead, count > 3 ? load(3) : instead};
}

__device__ __noinline__ float4 loadSomeFloats(const float* from, int count, float instead) {
    return loadSome(count, instead, [&](int i) { return from[i]; });
}

__device__ __noinline__ float4 loadSomeHalves(const __half* from, int count, float instead) {
    return loadSome(count, instead, [&](int i) { return __half2float(from[i]); });
}

/// Elements first ... first + 3 of a vector of `size`; `instead` beyond its end, or without one.
__device__ inline float4 loadFour(const float* vector, int first, int size, float instead) {
    if (vector == nullptr) {
        return all(instead);
    }
    const float* from = vector + first;
    if (first + kOfLane <= size && reinterpret_cast<uintptr_t>(from) % 16 == 0) {
        return *reinterpret_cast<const float4*>(from);
    }
    return loadSomeFloats(from, size - first, instead);
}

__device__ inline float4 loadFour(const uint16_t* vector, int first, int size, float instead) {
    if (vector == nullptr) {
        return all(instead);
    }
    const __half* from = halves(vector) + first;
    if (first + kOfLane <= size && reinterpret_cast<uintptr_t>(from) % 8 == 0) {
        const uint2 bits = *reinterpret_cast<const uint2*>(from);
        const float2 low = __half22float2(*reinterpret_cast<const __half2*>(&bits.x));
        const float2 high = __half22float2(*reinterpret_cast<const __half2*>(&bits.y));
        return {low.x, low.y, high.x, high.y};
    }
    return loadSomeHalves(from, size - first, instead);
}

__device__ __noinline__ void storeSome(float* to, int count, float4 value) {
    const float values[kOfLane] = {value.x, value.y, value.z, value.w};
#pragma unroll
    for (int i = 0; i < kOfLane; ++i) {
        if (i < count) {
            to[i] = values[i];
        }
    }
}

__device__ inline void storeFour(float* vector, int first, int size, float4 value) {
    float* to = vector + first;
    if (first + kOfLane <= size && reinterpret_cast<uintptr_t>(to) % 16 == 0) {
        *reinterpret_cast<float4*>(to) = value;
    } else {
        storeSome(to, size - first, value);
    }
}

/// The orthonormal Hadamard transform in aligned blocks of a power of two up to 128. Additions run
/// from the nearest partner to the farthest, as in the reference, so that the bits agree.
__device__ __noinline__ float4 hadamard(float4 value, int block) {
    if (block >= 2) {
        value = {value.x + value.y, value.x - value.y, value.z + value.w, value.z - value.w};
    }
    if (block >= 4) {
        value = {value.x + value.z, value.y + value.w, value.x - value.z, value.y - value.w};
    }
#pragma unroll 1
    for (int distance = 1; distance * kOfLane < block; distance *= 2) {
        const float sign = (laneIndex() & distance) != 0 ? -1.0F : 1.0F; // partner - own, exactly
        value.x = fmaf(sign, value.x, __shfl_xor_sync(kAllLanes, value.x, distance));
        value.y = fmaf(sign, value.y, __shfl_xor_sync(kAllLanes, value.y, distance));
        value.z = fmaf(sign, value.z, __shfl_xor_sync(kAllLanes, value.z, distance));
        value.w = fmaf(sign, value.w, __shfl_xor_sync(kAllLanes, value.w, distance));
    }
    // The reference's bits: 1 / sqrt, both rounded.
    return times(value, all(__fdiv_rn(1.0F, __fsqrt_rn(static_cast<float>(block)))));
}

/// Rounds a block to int8 or int16 by its largest magnitude. A block of zeros has scale 0.
__device__ __noinline__ void storeCodes(const StepVector& out, int sequence, int block,
                                        float4 value) {
    const float peak = largestOfWarp(
        fmaxf(fmaxf(fabsf(value.x), fabsf(value.y)), fmaxf(fabsf(value.z), fabsf(value.w))));
    const float largest = peak < kSmallestPeak ? 0 : peak;
    const float most = out.bits == 8 ? kLargestCode8 : kLargestCode16;
    const float inverse = largest > 0 ? __fdiv_rn(most, largest) : 0;
    const int x = __float2int_rn(value.x * inverse);
    const int y = __float2int_rn(value.y * inverse);
    const int z = __float2int_rn(value.z * inverse);
    const int w = __float2int_rn(value.w * inverse);
    const int64_t at = static_cast<int64_t>(sequence) * out.blocks + block;
    const int64_t lane = at * kWarpLanes + laneIndex();
    if (out.bits == 8) {
        static_cast<char4*>(out.codes)[lane] = {
            static_cast<signed char>(x), static_cast<signed char>(y), static_cast<signed char>(z),
            static_cast<signed char>(w)};
    } else {
        static_cast<short4*>(out.codes)[lane] = {static_cast<short>(x), static_cast<short>(y),
                                                 static_cast<short>(z), static_cast<short>(w)};
    }
    const int sum = __reduce_add_sync(kAllLanes, x + y + z + w);
    if (laneIndex() == 0) {
        out.scale[at] = __fdiv_rn(largest, most);
        out.sum[at] = static_cast<float>(sum);
    }
}

/// What a block of an input is multiplied by; loaded before the values are known.
struct InputFactors {
    float4 norm;
    float4 sign;

    __device__ InputFactors(const StepInput& next, int block)
        : norm(loadFour(next.norm, firstElement(block), next.size, 1)),
          sign(loadFour(next.sign, firstElement(block), next.size, 1)) {}
};

/// Makes a block of the next input from values (0 beyond the vector's end).
__device__ __noinline__ void storeInput(const StepInput& next, int sequence, int block,
                                        float4 value, float4 norm, float4 sign) {
    if (next.squares != nullptr) {
        const float squares =
            sumWarp(value.x * value.x + value.y * value.y + value.z * value.z + value.w * value.w);
        if (laneIndex() == 0) {
            next.squares[sequence * blocksOf(next.size) + block] = squares;
        }
    }
    value = times(value, norm);
    if (next.plain.codes != nullptr) {
        storeCodes(next.plain, sequence, block, value);
    }
    if (next.rotated.codes != nullptr) {
        storeCodes(next.rotated, sequence, block, hadamard(times(value, sign), next.block));
    }
}

} // namespace caldera::kernels::step
