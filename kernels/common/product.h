// What products with packed matrices have in common: a share of the rows, several inputs at once.
#pragma once

#include <cstdint>

namespace caldera::kernels {

/// 16-row groups [first, first + count): what one thread works on.
struct GroupRange {
    int64_t first = 0;
    int64_t count = 0;
};

/// Several input vectors at once: x [count, xStride] to y [count, yStride].
struct InputBatch {
    const float* x = nullptr; ///< each row holds the matrix's padded columns
    int64_t xStride = 0;
    float* y = nullptr; ///< each row has room for 16 * groups values
    int64_t yStride = 0;
    int64_t count = 0;
};

} // namespace caldera::kernels
