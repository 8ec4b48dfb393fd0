#include "kernels/activation/activation_cuda.h"

#include <cmath>
#include <string>

#include <cuda_fp16.h>

#include "kernels/common/launch.cuh"
#include "kernels/hadamard/warp_hadamard.cuh"

namespace caldera::kernels::cuda {
namespace {

constexpr int kItems = static_cast<int>(kQuantizedBlock) / kWarpLanes;
constexpr int kThreads = 128;

/// A warp has one block of 128 values.
__global__ void quantizeInputKernel(const __half* __restrict__ x, const __half* __restrict__ sign,
                                    int size, int block, float scale, QuantizedVectorOut out) {
    const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
    const int64_t own = (blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x) / kWarpLanes;
    if (own >= out.blocks) {
        return;
    }
    const int64_t first = own * kQuantizedBlock + lane;
    float value[kItems];
    float largest = 0;
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
        const int64_t i = first + item * kWarpLanes;
        value[item] = i < size ? __half2float(x[i]) * __half2float(sign[i]) : 0;
    }
    hadamardInWarp(value, block, scale);
#pragma unroll
    for (const float each : value) {
        largest = fmaxf(largest, fabsf(each));
    }
    for (int distance = kWarpLanes / 2; distance > 0; distance /= 2) {
        largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, distance));
    }
    const float inverse = largest > 0 ? __fdiv_rn(127.0F, largest) : 0;
    int sum = 0;
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
        const int code = __float2int_rn(value[item] * inverse);
        out.codes[first + item * kWarpLanes] = static_cast<int8_t>(code);
        sum += code;
    }
    for (int distance = kWarpLanes / 2; distance > 0; distance /= 2) {
        sum += __shfl_xor_sync(kAllLanes, sum, distance);
    }
    if (lane == 0) {
        out.scale[own] = __fdiv_rn(largest, 127.0F);
        out.sum[own] = sum;
    }
}

/// What the half steps of a table add to every row: sum of scale * sum / 2, in every lane.
__device__ float halfSteps(const QuantizedVector& input) {
    float total = 0;
    for (int64_t block = threadIdx.x % kWarpLanes; block < input.blocks; block += kWarpLanes) {
        total += input.scale[block] * static_cast<float>(input.sum[block]);
    }
    return sumLanes(total, 1) / 2;
}

__global__ void rotateOutputKernel(const __grid_constant__ PartialProducts product,
                                   const __grid_constant__ QuantizedVector input,
                                   const __half* __restrict__ sign, const __half* __restrict__ bias,
                                   int size, int block, float scale, __half* __restrict__ y) {
    const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
    const int64_t warp = (blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x) / kWarpLanes;
    const int64_t first = warp * kQuantizedBlock + lane;
    if (warp * kQuantizedBlock >= size) {
        return;
    }
    const float half = halfSteps(input);
    float value[kItems];
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
        const int64_t row = first + item * kWarpLanes;
        float sum = half;
        if (row < size) {
            for (int64_t split = 0; split < product.splits; ++split) {
                sum += product.values[split * product.rows + row];
            }
            sum *= product.scale[row / 16] * product.step;
        }
        value[item] = row < size ? sum : 0;
    }
    hadamardInWarp(value, block, scale);
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
        const int64_t row = first + item * kWarpLanes;
        if (row < size) {
            const float added = bias != nullptr ? __half2float(bias[row]) : 0;
            y[row] = __float2half_rn(fmaf(value[item], __half2float(sign[row]), added));
        }
    }
}

void checkRotation(const char* operation, int64_t size, int64_t block) {
    if (block < 1 || block > kQuantizedBlock || (block & (block - 1)) != 0 || size % block != 0 ||
        size > INT32_MAX) {
        throw KernelError(std::string(operation) + ": the block is " + std::to_string(block) +
                          " for a size of " + std::to_string(size) +
                          "; it must be a power of two up to 128 that divides the size.");
    }
}

unsigned gridFor(int64_t blocks) {
    constexpr int64_t kWarps = kThreads / kWarpLanes;
    return static_cast<unsigned>((blocks + kWarps - 1) / kWarps);
}

float orthonormal(int64_t block) {
    return 1.0F / std::sqrt(static_cast<float>(block));
}

const __half* halves(const uint16_t* values) {
    return reinterpret_cast<const __half*>(values);
}

} // namespace

void quantizeInput(const uint16_t* x, const uint16_t* sign, Rotation rotation,
                   const QuantizedVectorOut& out, CudaStream stream) {
    checkRotation("quantize input", rotation.size, rotation.block);
    quantizeInputKernel<<<gridFor(out.blocks), kThreads, 0, stream>>>(
        halves(x), halves(sign), static_cast<int>(rotation.size), static_cast<int>(rotation.block),
        orthonormal(rotation.block), out);
    checkLaunch("quantize input");
}

void rotateOutput(const PartialProducts& product, const QuantizedVector& input,
                  const uint16_t* sign, const uint16_t* bias, Rotation rotation, uint16_t* y,
                  CudaStream stream) {
    checkRotation("rotate output", rotation.size, rotation.block);
    const int64_t blocks = (rotation.size + kQuantizedBlock - 1) / kQuantizedBlock;
    rotateOutputKernel<<<gridFor(blocks), kThreads, 0, stream>>>(
        product, input, halves(sign), halves(bias), static_cast<int>(rotation.size),
        static_cast<int>(rotation.block), orthonormal(rotation.block),
        reinterpret_cast<__half*>(y));
    checkLaunch("rotate output");
}

} // namespace caldera::kernels::cuda
