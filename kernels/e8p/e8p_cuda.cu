#include "kernels/e8p/e8p_cuda.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <string>

#include <cuda_fp16.h>

#include "kernels/common/launch.cuh"
#include "kernels/e8p/codebook.h"
#include "kernels/e8p/search.cuh"

namespace caldera::kernels::cuda {
namespace {

constexpr int kRowsPerThread = 8;
constexpr int64_t kMaxGrid = 1 << 20;
constexpr int kEncodeWarps = 8; ///< of a thread block

/// A point is eight nibbles 2 v + 8 (odd numbers): coordinate pair p in the nibbles p and p + 4.
/// Negating an odd nibble k to 16 - k flips its bits 1..3.
struct NibbleTables {
    uint32_t entry[256];
    uint32_t flips[256]; ///< by low byte; bit 0 is set when the word is shifted by -1/4
};

NibbleTables makeTables() {
    const E8pCodebook& book = E8pCodebook::instance();
    NibbleTables tables{};
    for (int i = 0; i < 256; ++i) {
        tables.entry[i] = book.packedWord(i);
        const bool minus = e8pMinusQuarter(static_cast<uint16_t>(i));
        const uint32_t bits = static_cast<uint32_t>(i) ^ (minus ? 1U : 0U);
        for (int slot = 0; slot < 8; ++slot) {
            tables.flips[i] |= ((bits >> slot) & 1U) * (0xEU << (4 * slot));
        }
        tables.flips[i] |= minus ? 1U : 0U;
    }
    return tables;
}

__device__ NibbleTables deviceTables;

/// Writes the tables once per device; every launch comes after.
void loadTables() {
    static const NibbleTables tables = makeTables();
    static std::array<std::once_flag, 64> loaded;
    int device = 0;
    cudaGetDevice(&device);
    if (device >= static_cast<int>(loaded.size())) {
        throw KernelError("e8p: device " + std::to_string(device) + " is beyond the 64 supported.");
    }
    std::call_once(loaded[device], [] {
        cudaMemcpyToSymbol(deviceTables, &tables, sizeof tables);
        cudaDeviceSynchronize(); // the copy may still be under way when the call returns
        checkLaunch("e8p tables");
    });
}

__device__ void copyTables(NibbleTables& tables) {
    for (int i = threadIdx.x; i < 256; i += blockDim.x) {
        tables.entry[i] = deviceTables.entry[i];
        tables.flips[i] = deviceTables.flips[i];
    }
    __syncthreads();
}

struct Point {
    float2 twice[4]; ///< doubled coordinates without the shift
    float shift;     ///< +-1/4
};

__device__ Point decode(const NibbleTables& tables, uint32_t word) {
    const uint32_t flips = tables.flips[word & 0xFFU];
    const uint32_t nibbles = tables.entry[word >> 8] ^ (flips & 0xEEEEEEEEU);
    Point point;
    point.shift = (flips & 1U) != 0 ? -0.25F : 0.25F;
    for (int pair = 0; pair < 4; ++pair) {
        // 0x6400 is the half 1024, whose last bits count ones: 1024 + k - 1032 = 2 v.
        const uint32_t bits = ((nibbles >> (4 * pair)) & 0x000F000FU) | 0x64006400U;
        const __half2 halves = *reinterpret_cast<const __half2*>(&bits);
        point.twice[pair] = __half22float2(__hsub2(halves, __float2half2_rn(1032.0F)));
    }
    return point;
}

__device__ float dot(const Point& point, const float4& first, const float4& second, float sum) {
    float twice = point.twice[0].x * first.x;
    twice = fmaf(point.twice[0].y, first.y, twice);
    twice = fmaf(point.twice[1].x, first.z, twice);
    twice = fmaf(point.twice[1].y, first.w, twice);
    twice = fmaf(point.twice[2].x, second.x, twice);
    twice = fmaf(point.twice[2].y, second.y, twice);
    twice = fmaf(point.twice[3].x, second.z, twice);
    twice = fmaf(point.twice[3].y, second.w, twice);
    return fmaf(point.shift, sum, 0.5F * twice);
}

/// One thread block per row group. A thread takes 8 rows (16 bytes) of a column block, so a warp
/// reads 512 neighbouring bytes; even lanes have rows 0..7, odd lanes rows 8..15.
__global__ void gemvKernel(E8pMatrix q, const float* __restrict__ x, float* __restrict__ y) {
    __shared__ NibbleTables tables;
    __shared__ float partial[kWarpLanes][kE8pGroupRows];
    copyTables(tables);
    const int64_t group = blockIdx.x;
    const auto* codes = reinterpret_cast<const uint4*>(q.codes) + group * q.blocks * 2;
    const auto* inputs = reinterpret_cast<const float4*>(x);
    float sums[kRowsPerThread] = {};
    for (int64_t i = threadIdx.x; i < 2 * q.blocks; i += blockDim.x) {
        const uint4 words = codes[i];
        const float4 first = inputs[i / 2 * 2];
        const float4 second = inputs[i / 2 * 2 + 1];
        const float sum = ((first.x + first.y) + (first.z + first.w)) +
                          ((second.x + second.y) + (second.z + second.w));
        const uint32_t pairs[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
        for (int row = 0; row < kRowsPerThread; ++row) {
            const uint32_t word = (pairs[row / 2] >> (row % 2 * 16)) & 0xFFFFU;
            sums[row] += dot(decode(tables, word), first, second, sum);
        }
    }
    const int lane = threadIdx.x % kWarpLanes;
    const int warp = threadIdx.x / kWarpLanes;
#pragma unroll
    for (int row = 0; row < kRowsPerThread; ++row) {
        const float total = sumLanes(sums[row], 2);
        if (lane < 2) {
            partial[warp][lane * kRowsPerThread + row] = total;
        }
    }
    __syncthreads();
    if (threadIdx.x < kE8pGroupRows) {
        float total = 0;
        for (int w = 0; w < blockDim.x / kWarpLanes; ++w) {
            total += partial[w][threadIdx.x];
        }
        y[group * kE8pGroupRows + threadIdx.x] += q.scale[group] * total;
    }
}

__global__ void decodeKernel(const uint16_t* __restrict__ codes, int64_t count,
                             float* __restrict__ values) {
    __shared__ NibbleTables tables;
    copyTables(tables);
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    for (int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x; i < count;
         i += step) {
        const Point point = decode(tables, codes[i]);
        auto* out = reinterpret_cast<float4*>(values + i * kE8pWidth);
        for (int half = 0; half < 2; ++half) {
            const float2 a = point.twice[2 * half];
            const float2 b = point.twice[2 * half + 1];
            out[half] = make_float4(0.5F * a.x + point.shift, 0.5F * a.y + point.shift,
                                    0.5F * b.x + point.shift, 0.5F * b.y + point.shift);
        }
    }
}

} // namespace

void e8pGemv(const E8pMatrix& q, const float* x, float* y, CudaStream stream) {
    if (q.groups == 0 || q.blocks == 0) {
        return;
    }
    loadTables();
    const int64_t wanted = (2 * q.blocks + kWarpLanes - 1) / kWarpLanes * kWarpLanes;
    const auto threads = static_cast<unsigned>(std::min<int64_t>(wanted, 256));
    gemvKernel<<<static_cast<unsigned>(q.groups), threads, 0, stream>>>(q, x, y);
    checkLaunch("e8p gemv");
}

void e8pDecode(const uint16_t* codes, int64_t count, float* values, CudaStream stream) {
    if (count == 0) {
        return;
    }
    loadTables();
    const int64_t grid = std::min<int64_t>((count + 255) / 256, kMaxGrid);
    decodeKernel<<<static_cast<unsigned>(grid), 256, 0, stream>>>(codes, count, values);
    checkLaunch("e8p decode");
}

void e8pEncode(const float* x, int64_t count, uint16_t* codes, float* decoded, CudaStream stream) {
    if (count == 0) {
        return;
    }
    const int64_t grid = std::min<int64_t>((count + kEncodeWarps - 1) / kEncodeWarps, kMaxGrid);
    e8pEncodeKernel<<<static_cast<unsigned>(grid), kEncodeWarps * kWarpLanes, 0, stream>>>(
        e8pDeviceTable(), x, count, codes, decoded);
    checkLaunch("e8p encode");
}

} // namespace caldera::kernels::cuda
