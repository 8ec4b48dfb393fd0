// The kernel of trellis_cuda.h.
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

} // namespace caldera::kernels::cuda
