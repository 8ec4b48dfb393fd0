// The trellis code on a GPU; only in builds with CUDA. All pointers are device memory.
#pragma once

#include "kernels/common/cuda_stream.h"
#include "kernels/trellis/trellis.h"

namespace caldera::kernels::cuda {

/// x [groups, 16, V] to codes [groups, 2 k] (aligned to 4 bytes) and values decoded
/// [groups, 16, V]: exactly what the reference returns. Throws KernelError.
void trellisEncode(const TrellisCode& code, const float* x, int64_t groups, uint8_t* codes,
                   float* decoded, CudaStream stream);

} // namespace caldera::kernels::cuda
