#include "kernels/hadamard/hadamard_cuda.h"

#include <cmath>
#include <string>

#include "kernels/common/launch.cuh"
#include "kernels/hadamard/warp_hadamard.cuh"

namespace caldera::kernels::cuda {
namespace {

constexpr int kThreads = 128;

/// A warp transforms 32 * kItems neighbouring values: lane holds value item * 32 + lane. Blocks
/// below 32 lie several in a warp. Stages run from the nearest partner to the farthest, as in the
/// reference.
template <int kItems>
__global__ void hadamardKernel(float* __restrict__ x, int64_t count, int block, float scale) {
    const int lane = threadIdx.x % kWarpLanes;
    const int64_t warp = (blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x) / kWarpLanes;
    const int64_t first = warp * kWarpLanes * kItems + lane;
    float value[kItems];
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
        const int64_t i = first + item * kWarpLanes;
        value[item] = i < count ? x[i] : 0;
    }
    hadamardInWarp(value, block, scale);
#pragma unroll
    for (int item = 0; item < kItems; ++item) {
        const int64_t i = first + item * kWarpLanes;
        if (i < count) {
            x[i] = value[item];
        }
    }
}

template <int kItems>
void launch(float* x, int64_t count, int64_t block, CudaStream stream) {
    constexpr int64_t kPerBlock = kThreads * kItems;
    const auto grid = static_cast<unsigned>((count + kPerBlock - 1) / kPerBlock);
    const float scale = 1.0F / std::sqrt(static_cast<float>(block));
    hadamardKernel<kItems><<<grid, kThreads, 0, stream>>>(x, count, static_cast<int>(block), scale);
    checkLaunch("block hadamard");
}

} // namespace

void blockHadamard(float* x, int64_t rows, int64_t size, int64_t block, CudaStream stream) {
    if (block < 1 || block > 256 || (block & (block - 1)) != 0 || size % block != 0) {
        throw KernelError("block hadamard: the block is " + std::to_string(block) +
                          " for a size of " + std::to_string(size) +
                          "; it must be a power of two up to 256 that divides the size.");
    }
    const int64_t count = rows * size;
    if (count == 0) {
        return;
    }
    switch (block) {
    case 256:
        return launch<8>(x, count, block, stream);
    case 128:
        return launch<4>(x, count, block, stream);
    case 64:
        return launch<2>(x, count, block, stream);
    default:
        return launch<1>(x, count, block, stream);
    }
}

} // namespace caldera::kernels::cuda
