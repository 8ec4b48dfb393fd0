// Products of matrices stored row by row with one vector: factors, embedding tables, the head,
// linears that were not compressed. A warp has 16 rows; a lane keeps its columns' inputs in
// registers and reads 8 or 16 bytes of every row at a time.
#pragma once

#include <cuda_bf16.h>

#include "kernels/step/items.cuh"
#include "kernels/step/product.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// Inputs of kCount neighbouring columns in f32, 8 or 16; 0 beyond the input's last block.
template <int kCount>
__device__ inline void loadInputs(const StepVector& x, int sequence, int column,
                                  float (&inputs)[kCount]) {
    const int block = column / static_cast<int>(kQuantizedBlock);
    const int64_t at = static_cast<int64_t>(sequence) * x.blocks;
    const bool isInside = block < x.blocks;
    const float scale = isInside ? x.scale[at + block] : 0;
    const int64_t first = at * kQuantizedBlock + (isInside ? column : 0);
    if (x.bits == 8) {
        uint2 words[kCount / 8];
#pragma unroll
        for (int i = 0; i < kCount / 8; ++i) {
            words[i] =
                reinterpret_cast<const uint2*>(static_cast<const int8_t*>(x.codes) + first)[i];
        }
#pragma unroll
        for (int i = 0; i < kCount; ++i) {
            const uint32_t word = i % 8 < 4 ? words[i / 8].x : words[i / 8].y;
            inputs[i] = scale * static_cast<float>(static_cast<int8_t>(word >> (i % 4 * 8)));
        }
    } else {
        uint4 words[kCount / 8];
#pragma unroll
        for (int i = 0; i < kCount / 8; ++i) {
            words[i] =
                reinterpret_cast<const uint4*>(static_cast<const int16_t*>(x.codes) + first)[i];
        }
#pragma unroll
        for (int i = 0; i < kCount; ++i) {
            const uint32_t pair[4] = {words[i / 8].x, words[i / 8].y, words[i / 8].z,
                                      words[i / 8].w};
            inputs[i] =
                scale * static_cast<float>(static_cast<int16_t>(pair[i % 8 / 2] >> (i % 2 * 16)));
        }
    }
}

/// Bytes of a row where they are not aligned or not all there; those beyond its end are 0.
__device__ __noinline__ uint32_t gatherWord(const uint8_t* from, int64_t count) {
    uint32_t word = 0;
    for (int i = 0; i < 4 && i < count; ++i) {
        word |= static_cast<uint32_t>(from[i]) << (i * 8);
    }
    return word;
}

/// Some neighbouring bytes of a row.
template <int kWords>
struct RowWords {
    uint32_t word[kWords];

    __device__ RowWords(const uint8_t* row, int64_t rowBytes, int64_t at) {
        const uint8_t* from = row + at;
        if (at + 4 * kWords > rowBytes || reinterpret_cast<uintptr_t>(from) % (4 * kWords) != 0) {
#pragma unroll
            for (int i = 0; i < kWords; ++i) {
                word[i] = gatherWord(from + 4 * i, rowBytes - at - 4 * i);
            }
        } else if constexpr (kWords == 4) {
            const uint4 four = __ldcs(reinterpret_cast<const uint4*>(from));
            word[0] = four.x;
            word[1] = four.y;
            word[2] = four.z;
            word[3] = four.w;
        } else {
            const uint2 two = __ldcs(reinterpret_cast<const uint2*>(from));
            word[0] = two.x;
            word[1] = two.y;
        }
    }
};

struct UnscaledRow {
    __device__ float scaleOf(int, int) const { return 1; }
};

/// How rows are stored, here and below: the columns of a lane's words, their values, and what the
/// sum over some neighbouring columns is multiplied by.
struct Int4Row {
    static constexpr int kColumns = 16;
    static constexpr int kWords = 2;
    static constexpr int kScaleColumns = 64;
    const __half* scale;
    int scalesOfRow;
    __device__ float value(const RowWords<kWords>& bytes, int i) const {
        // 2^23 + code as an f32, without a conversion
        const uint32_t bits = ((bytes.word[i / 8] >> (i % 8 * 4)) & 0xFU) | 0x4B000000U;
        return __uint_as_float(bits) - 8388616.0F;
    }
    __device__ float scaleOf(int row, int column) const {
        return __half2float(
            scale[static_cast<int64_t>(row) * scalesOfRow + column / kScaleColumns]);
    }
};

struct Int8Row : UnscaledRow {
    static constexpr int kColumns = 16;
    static constexpr int kWords = 4;
    __device__ float value(const RowWords<kWords>& bytes, int i) const {
        return static_cast<float>(static_cast<int8_t>(bytes.word[i / 4] >> (i % 4 * 8)));
    }
};

struct Bfloat16Row : UnscaledRow {
    static constexpr int kColumns = 8;
    static constexpr int kWords = 4;
    __device__ float value(const RowWords<kWords>& bytes, int i) const {
        const uint32_t word = bytes.word[i / 2];
        return __uint_as_float(i % 2 == 0 ? word << 16 : word & 0xFFFF0000U);
    }
};

struct Float16Row : UnscaledRow {
    static constexpr int kColumns = 8;
    static constexpr int kWords = 4;
    __device__ float value(const RowWords<kWords>& bytes, int i) const {
        const auto bits = static_cast<uint16_t>(bytes.word[i / 2] >> (i % 2 * 16));
        return __half2float(__ushort_as_half(bits));
    }
};

/// 16 rows and a part of the columns, and where the 16 sums go.
struct RowsItem {
    int group;
    int split;
    float* sums;
    int total; ///< place of the first of the sums' totals; -1: there are none
};

template <class Row>
__device__ __noinline__ void multiplyRows(const StepProduct& product, const RowsItem& item,
                                          const StepVector& x, int sequence, Row kind) {
    constexpr int kColumns = Row::kColumns;
    constexpr int kBytes = 4 * Row::kWords; // of kColumns
    const int64_t rowBytes =
        (static_cast<int64_t>(product.columns) * kBytes + kColumns - 1) / kColumns;
    const int firstRow = item.group * kTrellisRows;
    const int part = product.splitBlocks * static_cast<int>(kQuantizedBlock);
    const int end = min((item.split + 1) * part, product.columns);
    float total[kTrellisRows] = {};
    for (int column = item.split * part + laneIndex() * kColumns; column < end;
         column += kWarpLanes * kColumns) {
        float inputs[kColumns];
        loadInputs(x, sequence, column, inputs);
        const int64_t at = static_cast<int64_t>(column) / kColumns * kBytes;
#pragma unroll
        for (int row = 0; row < kTrellisRows; ++row) {
            const int taken = min(firstRow + row, product.rows - 1);
            const RowWords<Row::kWords> bytes(product.codes + taken * rowBytes, rowBytes, at);
            float sum = 0;
#pragma unroll
            for (int i = 0; i < kColumns; ++i) {
                sum = fmaf(kind.value(bytes, i), inputs[i], sum);
            }
            total[row] += sum * kind.scaleOf(taken, column);
        }
    }
    const float rowTotal = sumRows(total);
    if (laneIndex() % 2 == 0) {
        const int row = laneIndex() / 2;
        if (item.total < 0) {
            item.sums[row] = rowTotal;
        } else if (firstRow + row < product.rows) {
            addToTotal(item.total + row, rowTotal);
        }
    }
}

/// Rows stored row by row. Not inlined: it would be compiled into every code's loop.
__device__ __noinline__ void multiplyStoredRows(int which, int group, int split, int sequence) {
    const ProductPhase& phase = currentPhase().product;
    const StepProduct& product = phase.products[which];
    const RowsItem item{
        group, split, sumsOf(product, {which, group, split}, sequence),
        product.totals < 0 ? -1 : product.totals + sequence * product.rows + group * kTrellisRows};
    switch (product.storage) {
    case StepStorage::Int4:
        return multiplyRows(product, item, phase.plain, sequence,
                            Int4Row{static_cast<const __half*>(product.scale),
                                    product.columns / Int4Row::kScaleColumns});
    case StepStorage::Int8:
        return multiplyRows(product, item, phase.plain, sequence, Int8Row{});
    case StepStorage::Float16: // a factor, or codes of another codec decoded
        return multiplyRows(product, item, phase.rotated, sequence, Float16Row{});
    default:
        return multiplyRows(product, item, phase.plain, sequence, Bfloat16Row{});
    }
}

} // namespace caldera::kernels::step
