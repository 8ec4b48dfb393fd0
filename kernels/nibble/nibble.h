// Matrices of 4-bit numbers with a scale for each 64 columns, as embeddings and heads are stored
// (docs/formats/codecs.md), times a few vectors of integers.
#pragma once

#include <cstdint>

#include "kernels/activation/activation.h"
#include "kernels/dense/dense.h"

namespace caldera::kernels {

/// Columns that share a scale; the last ones of a row are filled up.
inline constexpr int64_t kNibbleBlock = 64;
inline constexpr int64_t kNibbleBlockBytes = kNibbleBlock / 2;

/// `rows` consecutive rows: value = scale of the block * (number - 8).
struct NibbleRows {
    const uint8_t* codes = nullptr;  ///< [rows, blocks, 32], the even column in the low nibble
    const uint16_t* scale = nullptr; ///< fp16 bits, [rows, blocks]
    int64_t rows = 0;
    int64_t columns = 0;
    int64_t blocks() const { return (columns + kNibbleBlock - 1) / kNibbleBlock; }
};

/// y[t][r] = sum over c of w[r][c] x[t][c], exact within a block and accumulated in f32. An output
/// depends only on its own row and vector.
void multiply(const NibbleRows& w, const QuantizedBatch& x, const OutputVectors& y);

namespace reference {
/// The same up to rounding, in plain loops.
void multiply(const NibbleRows& w, const QuantizedBatch& x, const OutputVectors& y);
} // namespace reference

} // namespace caldera::kernels
