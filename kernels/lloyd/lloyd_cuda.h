// Products with packed factors on a GPU; only in builds with CUDA. All pointers are device memory.
#pragma once

#include "kernels/common/cuda_stream.h"
#include "kernels/lloyd/lloyd.h"

namespace caldera::kernels::cuda {

/// R: t[k] = scale[k] * sum_c level[k, c] x[c] for all ranks. Throws KernelError.
void lloydProject(const LloydMatrix& matrix, const float* scale, const float* x, float* t,
                  CudaStream stream);

/// L: y[i] += sum_k level[i, k] scale[k] t[k] for all rows. Throws KernelError.
void lloydExpand(const LloydMatrix& matrix, const float* scale, const float* t, float* y,
                 CudaStream stream);

} // namespace caldera::kernels::cuda
