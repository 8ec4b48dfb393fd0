// How fast products with trellis-coded matrices are on this GPU. Links in builds without CUDA too,
// and throws there.
#pragma once

#include <cstdint>

#include "kernels/trellis/trellis.h"

namespace caldera::kernels::cuda {

struct GemvTiming {
    double microseconds = 0;        ///< from fp16 x to fp16 y: rotations, int8 and product
    double productMicroseconds = 0; ///< the product alone
    double bytes = 0;               ///< of codes and scales of a matrix
    double copyBytesPerSecond = 0;  ///< of a device copy, read and written bytes
    int matrices = 0;               ///< distinct ones, one after another
};

/// Median over replays of a graph of products with distinct random matrices [rows, columns], which
/// together are larger than the GPU's cache. Throws KernelError.
GemvTiming timeTrellisGemv(const TrellisCode& code, int64_t rows, int64_t columns);

} // namespace caldera::kernels::cuda
