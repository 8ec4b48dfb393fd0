// How fast products with packed matrices are on this GPU. Links in builds without CUDA too, and
// throws there.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/step/step_code.h"

namespace caldera::kernels::cuda {

/// What is multiplied: matrices that share an input, for example gate and up.
struct ProductShape {
    const StepCode* code = nullptr;
    std::vector<int64_t> rows; ///< of each matrix
    int64_t columns = 0;
    int rank = 0;      ///< of L and R with 4-bit levels; 0: none
    int sequences = 1; ///< vectors in one launch
    int activationBits = 8;
};

struct ProductTiming {
    double microseconds = 0;       ///< from 16-bit x to y: rotation, rounding, product, rotation
    double bytes = 0;              ///< of codes, scales and factors
    double copyBytesPerSecond = 0; ///< of a device copy, read and written bytes
    double denseMicroseconds = 0;  ///< a product with the same matrix in fp16 by cuBLAS
    int matrices = 0;              ///< at places of their own, one after another
};

/// Median over replays of a graph of products with at least 40 matrices, which hold the same
/// random bytes and together are larger than the GPU's cache (small ones, of which 1,024 are not,
/// come from it); each waits for the one before. y is f32. aheadBytes: as StepProgram::seal().
/// Throws KernelError.
ProductTiming timeProduct(const ProductShape& shape, int64_t aheadBytes);

/// ProductTiming::denseMicroseconds alone: of fp16 matrices with as many vectors as the shape has
/// sequences. Throws KernelError.
double timeDenseProduct(const ProductShape& shape);

} // namespace caldera::kernels::cuda
