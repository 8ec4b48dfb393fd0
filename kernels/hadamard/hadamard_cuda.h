// The block Hadamard transform on a GPU; only in builds with CUDA.
#pragma once

#include <cstdint>

#include "kernels/common/cuda_stream.h"

namespace caldera::kernels::cuda {

/// As kernels::blockHadamard, bit for bit; x is device memory. Limits: block is a power of two up
/// to 256 that divides size. Throws KernelError.
void blockHadamard(float* x, int64_t rows, int64_t size, int64_t block, CudaStream stream);

} // namespace caldera::kernels::cuda
