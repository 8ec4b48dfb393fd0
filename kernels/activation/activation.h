// Activations on their way to packed matrices and out of their rotated basis: integers with one
// scale per 128 values before a product with Q, signs and bias after it.
#pragma once

#include <cstdint>

namespace caldera::kernels {

/// Values that share a scale.
inline constexpr int64_t kQuantizedBlock = 128;
/// Codes of the value of largest magnitude.
inline constexpr float kLargestCode8 = 127;
inline constexpr float kLargestCode16 = 127 * 256;
/// Blocks below are zeros: the inverse of their scale might be no number.
inline constexpr float kSmallestPeak = 1e-30F;

/// Several vectors of integers: value i of vector t = scale[t][i / 128] * code[t][i], and a code is
/// its high byte (8 bits), or 256 times the high byte and the low byte (16 bits). Both are signed.
struct QuantizedBatch {
    const int8_t* high = nullptr; ///< [count, 128 * blocks]; 0 beyond the end of a vector
    const int8_t* low = nullptr;  ///< the same; null at 8 bits
    const float* scale = nullptr; ///< [count, blocks]
    const int32_t* sum = nullptr; ///< [count, blocks] of a block's codes
    int64_t blocks = 0;
    int64_t count = 0;

    /// Code i of the first vector.
    int32_t code(int64_t i) const { return low == nullptr ? high[i] : 256 * high[i] + low[i]; }
    float value(int64_t i) const {
        return scale[i / kQuantizedBlock] * static_cast<float>(code(i));
    }

    /// Vectors from `first` on.
    QuantizedBatch from(int64_t first) const {
        const int64_t bytes = first * blocks * kQuantizedBlock;
        return {high + bytes,
                low != nullptr ? low + bytes : nullptr,
                scale + first * blocks,
                sum + first * blocks,
                blocks,
                count - first};
    }
};

/// Room for one vector of a QuantizedBatch.
struct QuantizedRow {
    int8_t* high = nullptr;
    int8_t* low = nullptr; ///< null: 8 bits
    float* scale = nullptr;
    int32_t* sum = nullptr;
    int64_t blocks = 0; ///< at least size / 128, rounded up
};

/// Rounds x [size] by the largest magnitude of each 128 values: to +-127 at 8 bits, to +-32512 at
/// 16. A block of zeros has scale 0.
void quantize(const float* x, int64_t size, const QuantizedRow& out);

/// One side of a matrix: its length and the block of its Hadamard transform, a power of two up to
/// 128 that divides the length.
struct Rotation {
    int64_t size = 0;
    int64_t block = 1;
};

namespace reference {

/// The same, code for code, in plain loops.
void quantize(const float* x, int64_t size, const QuantizedRow& out);

/// y = sign * Hadamard(product) + bias; bias may be null. All [size].
void rotateOutput(const float* product, const float* sign, const float* bias, Rotation rotation,
                  float* y);

} // namespace reference

} // namespace caldera::kernels
