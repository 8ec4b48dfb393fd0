// Chooses tokens from logits in the memory of a GPU. Only in builds with CUDA; all pointers are
// memory that the GPU reads.
#pragma once

#include <cstdint>

#include "kernels/common/cuda_stream.h"
#include "kernels/sample/sample.h"

namespace caldera::kernels::cuda {

struct SampleRow {
    SampleChoice choice;
    int32_t firstSeen = 0; ///< of SampleRows::seen, where there is a penalty
    int32_t seenCount = 0;
};

struct SampleRows {
    int32_t count = 0;
    int32_t vocabulary = 0; ///< at most 2^23
    int64_t stride = 0;     ///< from one row of logits to the next
    float* logits = nullptr;
    const SampleRow* rows = nullptr; ///< [count]
    const int32_t* seen = nullptr;   ///< of all rows, each row's distinct
    int32_t* weights = nullptr;      ///< [count, vocabulary] to work in
    uint64_t* candidates = nullptr;  ///< likewise
    int32_t* tokens = nullptr;       ///< [count], what sampleToken() gives
};

/// A thread block has a row. Throws KernelError.
void sampleTokens(const SampleRows& rows, CudaStream stream);

} // namespace caldera::kernels::cuda
