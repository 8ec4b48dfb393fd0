// E8P12: the 2-bit lattice code of eight weights in one 16-bit word (docs/formats/codecs.md).
// The functions in `reference` are the specification; the others return exactly what they do
// (codes and decoded values) or the same up to the order of f32 additions (products).
#pragma once

#include <cstdint>

#include "kernels/activation/activation.h"
#include "kernels/common/product.h"
#include "kernels/dense/dense.h"

namespace caldera::kernels {

inline constexpr int kE8pWidth = 8;      ///< columns of a codeword
inline constexpr int kE8pGroupRows = 16; ///< rows that share a scale and lie together in memory

/// A packed matrix. Word of row 16 g + i, columns [8 b, 8 b + 8): codes[(g * blocks + b) * 16 + i],
/// little-endian as in the file. Value = scale[g] * decoded.
struct E8pMatrix {
    const uint16_t* codes = nullptr; ///< [groups, blocks, 16]
    const float* scale = nullptr;    ///< [groups]
    int64_t groups = 0;
    int64_t blocks = 0;
};

/// x [count, 8] to the nearest codewords codes [count] and their values decoded [count, 8].
/// Coordinates are taken to the nearest multiple of 2^-14 within [-16, 16] (NaN is 0), and from
/// there the arithmetic is exact, so every machine returns the same words.
void e8pEncode(const float* x, int64_t count, uint16_t* codes, float* decoded);

/// codes [count] to values [count, 8]; multiples of 1/4, at most 2.75 in magnitude.
void e8pDecode(const uint16_t* codes, int64_t count, float* values);

/// Words of one group [blocks, 16] to its rows: values [16, 8 * blocks] row-major.
void e8pDecodeGroup(const uint16_t* codes, int64_t blocks, float* values);

/// y[t][16 g + i] += scale[g] * (Q x[t])[16 g + i] for the groups of the range and every vector of
/// the batch: x [count, 8 * blocks], y [count, 16 * groups]. Each codeword is decoded once.
void e8pGemm(const E8pMatrix& q, const InputBatch& batch, GroupRange range);

/// y[t][16 g + i] += scale[g] * (Q x[t])[16 g + i] for the groups of the range: products of whole
/// numbers, exact within each 128 columns. x holds all columns; y [count, stride].
void e8pIntegerProduct(const E8pMatrix& q, const QuantizedBatch& x, const OutputVectors& y,
                       GroupRange range);

namespace reference {
void e8pEncode(const float* x, int64_t count, uint16_t* codes, float* decoded);
void e8pDecode(const uint16_t* codes, int64_t count, float* values);
/// e8pGemm of one vector.
void e8pGemv(const E8pMatrix& q, const float* x, float* y, GroupRange range);
void e8pIntegerProduct(const E8pMatrix& q, const QuantizedBatch& x, const OutputVectors& y,
                       GroupRange range);
} // namespace reference

} // namespace caldera::kernels
