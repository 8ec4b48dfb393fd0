// A warp with 128 neighbouring values, four a lane: loads, norm, rotation, codes.
//
// Phases with little work wait for memory and for one instruction after another, so their time is
// the longest chain of those: loads are all under way before the first is used, and what is usual
// (kEven: blocks of 128, whole quads) is straight code.
#pragma once

#include <cuda_fp16.h>

#include "kernels/common/launch.cuh"
#include "kernels/common/warp.cuh"
#include "kernels/step/memory.cuh"

namespace caldera::kernels::step {

/// Values of a lane.
inline constexpr int kOfLane = static_cast<int>(kQuantizedBlock) / kWarpLanes;
static_assert(kOfLane == 4);

/// a / b of numbers below 2^22, without the long way of integers.
__device__ inline int quotient(int a, int b) {
    return static_cast<int>(__fdividef(static_cast<float>(a) + 0.5F, static_cast<float>(b)));
}

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

/// Halves the numbers that a lane has until there is one: lanes that differ by kDistance exchange,
/// then those that differ by half of it, and so on. Of kCount numbers a lane keeps the one whose
/// index is its bits below 2 * kDistance, the highest log2(kCount) of them.
template <int kCount, int kDistance>
__device__ inline float foldLanes(const float (&value)[kCount]) {
    if constexpr (kCount == 1) {
        return value[0];
    } else {
        const bool isUpper = (laneIndex() & kDistance) != 0;
        float half[kCount / 2];
#pragma unroll
        for (int i = 0; i < kCount / 2; ++i) {
            const float sent = isUpper ? value[i] : value[i + kCount / 2];
            const float kept = isUpper ? value[i + kCount / 2] : value[i];
            half[i] = kept + __shfl_xor_sync(kAllLanes, sent, kDistance);
        }
        return foldLanes<kCount / 2, kDistance / 2>(half);
    }
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

/// Some of four elements, the others `instead`.
template <class Load>
__device__ inline float4 loadSome(int count, float instead, const Load& load) {
    return {count > 0 ? load(0) : instead, count > 1 ? load(1) : instead,
            count > 2 ? load(2) : instead, count > 3 ? load(3) : instead};
}

__device__ __noinline__ float4 loadSomeFloats(const float* from, int count, float instead) {
    return loadSome(count, instead, [&](int i) { return from[i]; });
}

__device__ __noinline__ uint2 loadSomeHalves(const uint16_t* from, int count, uint16_t instead) {
    const auto at = [&](int i) { return static_cast<uint32_t>(i < count ? from[i] : instead); };
    return {at(0) | at(1) << 16, at(2) | at(3) << 16};
}

/// Elements first ... first + 3 of a vector of `size`; `instead` beyond its end, or without one.
template <bool kEven>
__device__ inline float4 loadFour(const float* vector, int first, int size, float instead) {
    float4 four = all(instead);
    if (vector != nullptr && first < size) {
        if constexpr (kEven) {
            four = *reinterpret_cast<const float4*>(vector + first);
        } else {
            four = loadSomeFloats(vector + first, size - first, instead);
        }
    }
    return four;
}

/// The same of fp16, still as bits; 1 beyond the end, or without a vector.
template <bool kEven>
__device__ inline uint2 loadFourSigns(const uint16_t* vector, int first, int size) {
    constexpr uint16_t kHalfOne = 0x3C00;
    uint2 four = {0x3C003C00U, 0x3C003C00U};
    if (vector != nullptr && first < size) {
        if constexpr (kEven) {
            four = *reinterpret_cast<const uint2*>(vector + first);
        } else {
            four = loadSomeHalves(vector + first, size - first, kHalfOne);
        }
    }
    return four;
}

__device__ inline float4 fromHalves(uint2 bits) {
    const float2 low = __half22float2(*reinterpret_cast<const __half2*>(&bits.x));
    const float2 high = __half22float2(*reinterpret_cast<const __half2*>(&bits.y));
    return {low.x, low.y, high.x, high.y};
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

/// The part of four elements that the vector has.
template <bool kEven>
__device__ inline void storeFour(float* vector, int first, int size, float4 value) {
    if (first < size) {
        if constexpr (kEven) {
            *reinterpret_cast<float4*>(vector + first) = value;
        } else {
            storeSome(vector + first, size - first, value);
        }
    }
}

/// Sums and differences with the lane at a distance.
__device__ inline float4 hadamardLanes(float4 value, int distance) {
    const float sign = (laneIndex() & distance) != 0 ? -1.0F : 1.0F; // partner - own, exactly
    return {fmaf(sign, value.x, __shfl_xor_sync(kAllLanes, value.x, distance)),
            fmaf(sign, value.y, __shfl_xor_sync(kAllLanes, value.y, distance)),
            fmaf(sign, value.z, __shfl_xor_sync(kAllLanes, value.z, distance)),
            fmaf(sign, value.w, __shfl_xor_sync(kAllLanes, value.w, distance))};
}

/// The orthonormal Hadamard transform in aligned blocks of a power of two up to 128; scale: 1 /
/// sqrt(block). Additions run from the nearest partner to the farthest, as in the reference, so
/// that the bits agree.
template <bool kEven>
__device__ inline float4 hadamard(float4 value, int block, float scale) {
    if (kEven || block >= 2) {
        value = {value.x + value.y, value.x - value.y, value.z + value.w, value.z - value.w};
    }
    if (kEven || block >= 4) {
        value = {value.x + value.z, value.y + value.w, value.x - value.z, value.y - value.w};
    }
    if constexpr (kEven) {
#pragma unroll
        for (int distance = 1; distance < kWarpLanes; distance *= 2) {
            value = hadamardLanes(value, distance);
        }
    } else {
#pragma unroll 1
        for (int distance = 1; distance * kOfLane < block; distance *= 2) {
            value = hadamardLanes(value, distance);
        }
    }
    return times(value, all(scale));
}

/// Rounds a block to int8 or int16 by its largest magnitude. A block of zeros has scale 0.
__device__ inline void storeCodes(const StepVector& out, int sequence, int block, float4 value) {
    // Magnitudes are ordered as their bits are.
    const uint32_t bits =
        max(max(__float_as_uint(fabsf(value.x)), __float_as_uint(fabsf(value.y))),
            max(__float_as_uint(fabsf(value.z)), __float_as_uint(fabsf(value.w))));
    const float peak = __uint_as_float(__reduce_max_sync(kAllLanes, bits));
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
    uint2 sign; ///< of fp16

    template <bool kEven>
    __device__ static InputFactors load(const StepInput& next, int block) {
        const int first = firstElement(block);
        return {loadFour<kEven>(next.norm, first, next.size, 1),
                loadFourSigns<kEven>(next.sign, first, next.size)};
    }
};

/// Makes a block of the next input from values (0 beyond the vector's end).
template <bool kEven>
__device__ inline void storeInput(const StepInput& next, int sequence, int block, float4 value,
                                  const InputFactors& factors) {
    // Both chains of lanes' exchanges side by side, wanted or not.
    const float squares =
        sumWarp(value.x * value.x + value.y * value.y + value.z * value.z + value.w * value.w);
    const float4 normed = times(value, factors.norm);
    const float4 rotated =
        hadamard<kEven>(times(normed, fromHalves(factors.sign)), next.block, next.blockScale);
    if (next.rotated.codes != nullptr) {
        storeCodes(next.rotated, sequence, block, rotated);
    }
    if (next.plain.codes != nullptr) {
        storeCodes(next.plain, sequence, block, normed);
    }
    if (next.squares != nullptr && laneIndex() == 0) {
        next.squares[sequence * blocksOf(next.size) + block] = squares;
    }
}

} // namespace caldera::kernels::step
