// The kernels of trellis_cuda.h.
#pragma once

#include "kernels/trellis/group.cuh"

namespace caldera::kernels::cuda {

template <class Search>
__global__ void __launch_bounds__(Search::kThreads, Search::kBlocksTogether)
    trellisEncodeKernel(const __grid_constant__ TrellisSearchTable table,
                        const float* __restrict__ x, int64_t groups, uint8_t* __restrict__ codes,
                        float* __restrict__ decoded) {
    constexpr int kValues = kTrellisRows * Search::kColumns;
    __shared__ typename Search::Shared shared;
    __shared__ float input[kTrellisRows][Search::kColumns];
    Search search(table, shared);
    const int thread = static_cast<int>(threadIdx.x);
    const int row = thread / Search::kColumns;
    const int column = thread % Search::kColumns;
    for (int64_t group = blockIdx.x; group < groups; group += gridDim.x) {
        if (thread < kValues) {
            input[row][column] = x[group * kValues + thread];
        }
        __syncthreads();
        search.encode(input);
        search.store(codes + group * Search::kGroupBytes, [](int) { return true; });
        if (thread < kValues) {
            decoded[group * kValues + thread] = shared.decoded[row][column];
        }
    }
}

/// What decoding needs of a code.
struct TrellisShape {
    TrellisSearchTable table;
    int columns;
    int newBits;
    int memoryBits;
};

/// A thread has one row of a group.
static __global__ void trellisDecodeKernel(const __grid_constant__ TrellisShape code,
                                           const uint8_t* __restrict__ codes, int64_t groups,
                                           float* __restrict__ values) {
    const int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x;
    const uint32_t symbolMask = (1U << code.newBits) - 1;
    const uint32_t top = 1U << (code.newBits + code.memoryBits - 1);
    for (int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
         i < groups * kTrellisRows; i += step) {
        const uint8_t* bytes = codes + i / kTrellisRows * 2 * code.newBits;
        const int row = static_cast<int>(i % kTrellisRows);
        const auto symbol = [&](int at) {
            const int bit = at * code.newBits;
            // A symbol lies in two bytes at most: it has 6, 8 or 10 bits and begins at an even one.
            const uint32_t low = bytes[bit / 8];
            const uint32_t high = bit % 8 + code.newBits > 8 ? bytes[bit / 8 + 1] : 0U;
            return ((low | (high << 8)) >> (bit % 8)) & symbolMask;
        };
        const uint32_t before = symbol((row + kTrellisRows - 1) % kTrellisRows);
        const uint32_t window =
            (before >> (code.newBits - code.memoryBits)) | (symbol(row) << code.memoryBits);
        const int8_t* entry = code.table.entries + (window & (top - 1)) * code.columns;
        for (int j = 0; j < code.columns; ++j) {
            const int value = (window & top) != 0 ? ~entry[j] : entry[j];
            values[i * code.columns + j] = (static_cast<float>(value) + 0.5F) * code.table.step;
        }
    }
}

} // namespace caldera::kernels::cuda
