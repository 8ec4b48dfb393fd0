// A random table stored row by row, as embeddings and heads are, and the values that its bytes
// mean.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include <cuda_fp16.h>

#include "kernels/step/step.h"
#include "tests/kernels/gpu_values.h"
#include "tests/kernels/random_values.h"

namespace caldera::kernels {

struct StoredTable {
    StepStorage storage;
    int columns;
    int padded; ///< columns that are stored
    int64_t rowBytes;
    std::vector<uint8_t> codes;
    std::vector<float> scale; ///< as fp16 has them; Int4: [rows, padded / 64], Int8: [rows]

    StoredTable(StepStorage kind, int rows, int columnCount, uint32_t seed)
        : storage(kind), columns(columnCount),
          padded(kind == StepStorage::Int4 ? (columnCount + 63) / 64 * 64 : columnCount),
          rowBytes(kind == StepStorage::Int4   ? padded / 2
                   : kind == StepStorage::Int8 ? padded
                                               : 2 * padded),
          codes(randomBytes(rows * rowBytes, seed)),
          scale(roundedToHalf(randomNormal(kind == StepStorage::Int4 ? rows * padded / 64 : rows,
                                           0.1F, seed + 1))) {
        if (kind == StepStorage::Bfloat16 || kind == StepStorage::Float16) {
            for (size_t i = 1; i < codes.size(); i += 2) {
                codes[i] &= 0x3F; // positive, below 2
            }
        }
    }

    float at(int row, int column) const {
        const uint8_t* bytes = codes.data() + row * rowBytes;
        if (storage == StepStorage::Int4) {
            const int code = (bytes[column / 2] >> (column % 2 * 4)) & 0xF;
            return static_cast<float>(code - 8) *
                   scale[static_cast<size_t>(row * (padded / 64) + column / 64)];
        }
        if (storage == StepStorage::Int8) {
            return static_cast<float>(static_cast<int8_t>(bytes[column])) *
                   scale[static_cast<size_t>(row)];
        }
        const auto bits = static_cast<uint16_t>(bytes[2 * column] | bytes[2 * column + 1] << 8);
        return storage == StepStorage::Float16 ? __half2float(__half_raw{bits})
                                               : std::bit_cast<float>(uint32_t{bits} << 16);
    }
};

} // namespace caldera::kernels
