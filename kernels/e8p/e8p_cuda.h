// E8P12 on a GPU; only in builds with CUDA. All pointers are device memory.
#pragma once

#include "kernels/common/cuda_stream.h"
#include "kernels/e8p/e8p.h"

namespace caldera::kernels::cuda {

/// y[16 g + i] += scale[g] * (Q x)[16 g + i] for all groups. q.codes is 16-byte aligned, x and y
/// too. The order of additions is fixed: the same input gives the same output.
/// Throws KernelError.
void e8pGemv(const E8pMatrix& q, const float* x, float* y, CudaStream stream);

/// codes [count] to values [count, 8]. values is 16-byte aligned. Throws KernelError.
void e8pDecode(const uint16_t* codes, int64_t count, float* values, CudaStream stream);

/// x [count, 8] to the nearest codewords codes [count] and their values decoded [count, 8]: exactly
/// what the reference returns. Throws KernelError.
void e8pEncode(const float* x, int64_t count, uint16_t* codes, float* decoded, CudaStream stream);

} // namespace caldera::kernels::cuda
