// What steps and prompts read and write alike: rows of tables, and vectors of the cache.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "kernels/common/warp.cuh"
#include "kernels/step/step.h"

namespace caldera::kernels {

/// Element i of a row of an embedding or a head; of Int8 without the row's scale.
__device__ inline float tableValue(const EmbedPhase& table, int64_t row, int i) {
    switch (table.storage) {
    case StepStorage::Int4: {
        constexpr int kScaleColumns = 64;
        const int64_t scales = (table.columns + kScaleColumns - 1) / kScaleColumns; // of a row
        const int byte = table.rows[(row * scales * kScaleColumns + i) / 2];
        const int code = (byte >> (i % 2 * 4)) & 0xF;
        const uint16_t scale = table.scale[row * scales + i / kScaleColumns];
        return static_cast<float>(code - 8) * __half2float(__ushort_as_half(scale));
    }
    case StepStorage::Int8:
        return static_cast<float>(static_cast<int8_t>(table.rows[row * table.columns + i]));
    case StepStorage::Float16:
        return __half2float(reinterpret_cast<const __half*>(table.rows)[row * table.columns + i]);
    default:
        return __bfloat162float(
            reinterpret_cast<const __nv_bfloat16*>(table.rows)[row * table.columns + i]);
    }
}

/// The scale of a row of Int8; 1 of others.
__device__ inline float tableScale(const EmbedPhase& table, int64_t row) {
    return table.storage == StepStorage::Int8 ? __half2float(__ushort_as_half(table.scale[row]))
                                              : 1;
}

/// One vector into the cache, fp16 or int8 with a scale, and, if wanted, its numbers elsewhere as
/// fp16, of int8 without the scale. By one warp.
__device__ inline void storeVector(const StepCache& cache, void* to, float* scales, int64_t place,
                                   int size, const float* value, __half* copy = nullptr) {
    float inverse = 1;
    if (cache.bits == 8) {
        float largest = 0;
#pragma unroll 1
        for (int i = laneIndex(); i < size; i += kWarpLanes) {
            largest = fmaxf(largest, fabsf(value[i]));
        }
        largest = largestOfWarp(largest);
        inverse = largest > 0 ? 127.0F / largest : 0;
        if (laneIndex() == 0) {
            scales[place] = largest / 127.0F;
        }
    }
#pragma unroll 1
    for (int i = laneIndex(); i < size; i += kWarpLanes) {
        const int64_t at = place * size + i;
        __half number;
        if (cache.bits == 8) {
            const int code = __float2int_rn(value[i] * inverse);
            static_cast<int8_t*>(to)[at] = static_cast<int8_t>(code);
            number = __int2half_rn(code);
        } else {
            number = __float2half_rn(value[i]);
            static_cast<__half*>(to)[at] = number;
        }
        if (copy != nullptr) {
            copy[i] = number;
        }
    }
}

} // namespace caldera::kernels
