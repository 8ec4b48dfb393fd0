// E8P12 on a GPU; only in builds with CUDA. All pointers are device memory.
#pragma once

#include "kernels/common/cuda_stream.h"
#include "kernels/e8p/e8p.h"

namespace caldera::kernels::cuda {

/// x [count, 8] to the nearest codewords codes [count] and their values decoded [count, 8]: exactly
/// what the reference returns. Throws KernelError.
void e8pEncode(const float* x, int64_t count, uint16_t* codes, float* decoded, CudaStream stream);

} // namespace caldera::kernels::cuda
