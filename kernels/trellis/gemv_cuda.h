// Products of one vector with a trellis-coded matrix on a GPU; only in builds with CUDA.
#pragma once

#include "kernels/activation/activation_cuda.h"
#include "kernels/common/cuda_stream.h"
#include "kernels/trellis/trellis.h"

namespace caldera::kernels::cuda {

/// How a product is shared out.
struct GemvShape {
    int64_t splits = 1;      ///< parts of a row that warps sum up apart
    int64_t splitBlocks = 0; ///< blocks of 128 columns in a part; a multiple of 4
};

/// The shares that keep this GPU busy with a matrix of so many groups and blocks of 128 columns.
GemvShape gemvShape(int64_t groups, int64_t blocks);

/// partial[split, 16 g + i] = the sum over the columns of the split of (table entry) x code x
/// scale, exact within a block of 128 columns and in f32 across them, always in the same order:
/// rotateOutput() adds the half steps and scales. q.codes and q.scale are device memory, codes
/// aligned to 16 bytes; its columns, a multiple of four, end in the last block of x. partial has
/// room for splits x 16 x groups values. Throws KernelError.
void trellisGemv(const TrellisMatrix& q, const QuantizedVector& x, GemvShape shape, float* partial,
                 CudaStream stream);

} // namespace caldera::kernels::cuda
