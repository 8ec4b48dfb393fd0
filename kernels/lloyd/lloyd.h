// Lloyd-Max levels of N(0,1) and products with factors stored as 4-bit level numbers.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernels/activation/activation.h"
#include "kernels/dense/dense.h"

namespace caldera::kernels {

/// The 2^bits reconstruction levels of least mean squared error for N(0,1), ascending and
/// symmetric. Limits: bits 2, 3 or 4.
std::span<const float> lloydLevels(int bits);

/// Numbers of the nearest levels; of two equally near levels the lower. NaN gives level 0.
void lloydQuantize(std::span<const float> levels, const float* x, int64_t count, uint8_t* indices);

/// A packed factor: 4-bit level numbers, row-major, low nibble first, each row padded to a whole
/// byte.
struct LloydMatrix {
    const uint8_t* codes = nullptr; ///< [rows, (columns + 1) / 2]
    int64_t rows = 0;
    int64_t columns = 0;
    int64_t rowBytes() const { return (columns + 1) / 2; }
};

/// Rows [first, first + count): what one thread works on.
struct RowRange {
    int64_t first = 0;
    int64_t count = 0;
};

/// Level values of one row: values [columns].
void lloydDecodeRow(const LloydMatrix& matrix, int64_t row, float* values);

/// R: t[k] = scale[k] * sum_c level[k, c] x[c] for ranks k of the range. x [columns], t [rows].
void lloydProject(const LloydMatrix& matrix, const float* scale, const float* x, float* t,
                  RowRange range);

/// The levels of 4 bits as integers, as integer products take them: level ~ step * high at 8 bits,
/// step * (256 high + low) at 16.
struct LloydIntegers {
    std::array<int8_t, 16> high;
    std::array<int8_t, 16> low; ///< 0 at 8 bits
    float step;                 ///< of the lowest bit
};
/// Limits: bits 8 or 16.
const LloydIntegers& lloydIntegers(int bits);

/// y[t][i] += sum_c level[first + i, c] x[t][c] for i in [0, count), levels as integers of 8 or 16
/// bits and without scales. Exact within each 128 columns, so an output depends on nothing but its
/// own row and vector.
void lloydIntegerProduct(const LloydMatrix& matrix, int levelBits, const QuantizedBatch& x,
                         const OutputVectors& y, RowRange range);

namespace reference {
void lloydIntegerProduct(const LloydMatrix& matrix, int levelBits, const QuantizedBatch& x,
                         const OutputVectors& y, RowRange range);
void lloydDecodeRow(const LloydMatrix& matrix, int64_t row, float* values);
void lloydProject(const LloydMatrix& matrix, const float* scale, const float* x, float* t,
                  RowRange range);
/// L: y[i] += sum_k level[i, k] scale[k] t[k] for rows i of the range. t [columns], y [rows].
void lloydExpand(const LloydMatrix& matrix, const float* scale, const float* t, float* y,
                 RowRange range);
} // namespace reference

} // namespace caldera::kernels
