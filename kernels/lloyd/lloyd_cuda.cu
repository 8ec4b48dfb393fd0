#include "kernels/lloyd/lloyd_cuda.h"

#include <cstdint>

#include "kernels/common/launch.cuh"

namespace caldera::kernels::cuda {
namespace {

constexpr int kThreads = 256;

/// By value in every launch: 64 bytes of parameters.
struct Levels {
    float at[16];
};

Levels levelsOfFourBits() {
    Levels levels{};
    for (int i = 0; i < 16; ++i) {
        levels.at[i] = lloydLevels(4)[i];
    }
    return levels;
}

/// kLanes lanes share a row; each takes every kLanes-th `Word` of its codes. Returns the row's sum
/// in all of them. weight(c): the factor of column c.
template <class Word, int kLanes, class Weight>
__device__ float rowSum(const LloydMatrix& matrix, int64_t row, const float* levels,
                        const Weight& weight) {
    constexpr int kCodes = 2 * sizeof(Word);
    const int64_t rowBytes = (matrix.columns + 1) / 2;
    const auto* words = reinterpret_cast<const Word*>(matrix.codes + row * rowBytes);
    float sum = 0;
    for (int64_t i = threadIdx.x % kLanes; i < rowBytes / static_cast<int64_t>(sizeof(Word));
         i += kLanes) {
        const uint32_t word = words[i];
        for (int code = 0; code < kCodes; ++code) {
            const int64_t c = i * kCodes + code;
            if (c < matrix.columns) {
                sum = fmaf(levels[(word >> (4 * code)) & 0xFU], weight(c), sum);
            }
        }
    }
    for (int distance = kLanes / 2; distance > 0; distance /= 2) {
        sum += __shfl_xor_sync(0xFFFFFFFFU, sum, distance);
    }
    return sum;
}

/// Project when kProject: y[row] = scale[row] * sum; else y[row] += sum with scale on the columns.
template <class Word, int kLanes, bool kProject>
__global__ void productKernel(LloydMatrix matrix, Levels constants, const float* __restrict__ scale,
                              const float* __restrict__ x, float* __restrict__ y) {
    __shared__ float levels[16];
    if (threadIdx.x < 16) {
        levels[threadIdx.x] = constants.at[threadIdx.x];
    }
    __syncthreads();
    const int64_t row = (blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x) / kLanes;
    // Lanes past the last row repeat it: every lane must take part in the shuffles.
    const int64_t taken = row < matrix.rows ? row : matrix.rows - 1;
    const float sum = rowSum<Word, kLanes>(
        matrix, taken, levels, [&](int64_t c) { return kProject ? x[c] : scale[c] * x[c]; });
    if (row < matrix.rows && threadIdx.x % kLanes == 0) {
        y[row] = kProject ? scale[row] * sum : y[row] + sum;
    }
}

template <int kLanes, bool kProject>
void launch(const LloydMatrix& matrix, const float* scale, const float* x, float* y,
            CudaStream stream) {
    if (matrix.rows == 0) {
        return;
    }
    const int64_t rowsPerBlock = kThreads / kLanes;
    const auto grid = static_cast<unsigned>((matrix.rows + rowsPerBlock - 1) / rowsPerBlock);
    const bool aligned =
        matrix.rowBytes() % 4 == 0 && reinterpret_cast<uintptr_t>(matrix.codes) % 4 == 0;
    const Levels levels = levelsOfFourBits();
    if (aligned) {
        productKernel<uint32_t, kLanes, kProject>
            <<<grid, kThreads, 0, stream>>>(matrix, levels, scale, x, y);
    } else {
        productKernel<uint8_t, kLanes, kProject>
            <<<grid, kThreads, 0, stream>>>(matrix, levels, scale, x, y);
    }
    checkLaunch(kProject ? "lloyd project" : "lloyd expand");
}

} // namespace

void lloydProject(const LloydMatrix& matrix, const float* scale, const float* x, float* t,
                  CudaStream stream) {
    launch<32, true>(matrix, scale, x, t, stream); // few long rows
}

void lloydExpand(const LloydMatrix& matrix, const float* scale, const float* t, float* y,
                 CudaStream stream) {
    launch<8, false>(matrix, scale, t, y, stream); // many short rows
}

} // namespace caldera::kernels::cuda
