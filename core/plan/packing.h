// Sizes of packed codes, which plans and artifacts must agree on.
#pragma once

#include <cstdint>

#include "core/plan/plan.h"

namespace caldera {

/// The U8 tensor [rows, rowBytes] that holds a matrix's codes.
struct CodeTensor {
    int64_t rows = 0;
    int64_t rowBytes = 0;
    int64_t bytes() const { return rows * rowBytes; }
};

/// Columns of a 4-bit table that share a scale.
inline constexpr int64_t kTableBlock = 64;

/// A row of an embedding or a head of 16, 8 or 4 bits.
struct TableRow {
    int64_t codeBytes = 0;
    int64_t scales = 0; ///< fp16 numbers: none at 16 bits, one at 8, one for 64 columns at 4
    int64_t bytes() const { return codeBytes + 2 * scales; }
};
TableRow tableRow(int bits, int64_t columns);

/// Of Q: a row for each group of 16 rows.
CodeTensor matrixCodes(const CellSettings& settings, MatrixShape shape);
/// Of L [rows, rank] and R [rank, columns]: a row for each row, or for each group of 16 rows where
/// the factors' codec works on such groups.
CodeTensor leftCodes(const CellSettings& settings, MatrixShape shape);
CodeTensor rightCodes(const CellSettings& settings, MatrixShape shape);

} // namespace caldera
