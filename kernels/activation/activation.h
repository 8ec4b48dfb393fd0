// Activations on their way into the rotated basis of packed matrices and out of it: int8 with one
// scale per 128 values before a product with Q, signs and bias after it.
#pragma once

#include <cstdint>

namespace caldera::kernels {

/// Values that share a scale.
inline constexpr int64_t kQuantizedBlock = 128;

/// A vector of int8 codes; value = codes[i] * scale[i / 128].
struct QuantizedVector {
    const int8_t* codes = nullptr; ///< [128 * blocks]; 0 beyond the end of the vector
    const float* scale = nullptr;  ///< [blocks]
    const int32_t* sum = nullptr;  ///< [blocks] of a block's codes
    int64_t blocks = 0;
};

/// The same memory, to be written.
struct QuantizedVectorOut {
    int8_t* codes = nullptr;
    float* scale = nullptr;
    int32_t* sum = nullptr;
    int64_t blocks = 0; ///< at least size / 128, rounded up
};

/// One side of a matrix: its length and the block of its Hadamard transform, a power of two up to
/// 128 that divides the length.
struct Rotation {
    int64_t size = 0;
    int64_t block = 1;
};

namespace reference {

/// Rotates x [size] by sign [size] and the block Hadamard transform, then rounds each 128 values to
/// int8 by their largest magnitude. A block of zeros has scale 0.
void quantizeInput(const float* x, const float* sign, Rotation rotation,
                   const QuantizedVectorOut& out);

/// y = sign * Hadamard(product) + bias; bias may be null. All [size].
void rotateOutput(const float* product, const float* sign, const float* bias, Rotation rotation,
                  float* y);

} // namespace reference

} // namespace caldera::kernels
