// Products of factors R in 4 bits with the staged inputs of several vectors, on tensor cores: a
// Lloyd level is a whole number of 16 bits, whose bytes go through them one after the other.
#pragma once

#include "kernels/step/batch.cuh"
#include "kernels/step/factor.cuh"
#include "kernels/step/items.cuh"

namespace caldera::kernels::step {

/// Blocks of 128 columns that an item has at most.
inline constexpr int kFactorItemBlocks = 4;

/// sum [16 rows, 8 vectors] += 32 columns of bytes without a sign.
__device__ inline void multiplyUnsignedTile(int (&sum)[4], int2 left, int2 right, int2 x) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])
        : "r"(left.x), "r"(left.y), "r"(right.x), "r"(right.y), "r"(x.x), "r"(x.y));
}

/// Upper and lower bytes of the levels of eight columns.
struct LevelBytes {
    int2 upper;
    int2 lower;

    __device__ explicit LevelBytes(uint32_t word) {
        const int* pairs = stepMemory().levelPairs;
        const int pair[4] = {pairs[word & 0xFFU], pairs[(word >> 8) & 0xFFU],
                             pairs[(word >> 16) & 0xFFU], pairs[word >> 24]};
        upper = {static_cast<int>(__byte_perm(pair[0], pair[1], 0x7531)),
                 static_cast<int>(__byte_perm(pair[2], pair[3], 0x7531))};
        lower = {static_cast<int>(__byte_perm(pair[0], pair[1], 0x6420)),
                 static_cast<int>(__byte_perm(pair[2], pair[3], 0x6420))};
    }
};

/// A row's codes of a lane's columns of some blocks; zeros beyond the last row.
struct FactorRow {
    uint4 codes[kFactorItemBlocks];

    __device__ FactorRow(const StepProduct& factor, int row, int column, int blocks) {
#pragma unroll
        for (int block = 0; block < kFactorItemBlocks; ++block) {
            const int at = column + block * static_cast<int>(kQuantizedBlock);
            const int count =
                row < factor.rows && block < blocks ? min(factor.columns - at, kLaneColumns) : 0;
            const uint8_t* from =
                factor.codes + static_cast<int64_t>(row) * (factor.columns / 2) + at / 2;
            codes[block] = count > 0 ? factorCodes(from, count) : uint4{};
        }
    }
};

/// One block of 128 columns: 32 columns of four lanes at a time.
__device__ inline void multiplyFactorBlock(uint4 upperRow, uint4 lowerRow, const int2* x,
                                           int (&sum)[4]) {
    const uint32_t upper[4] = {upperRow.x, upperRow.y, upperRow.z, upperRow.w};
    const uint32_t lower[4] = {lowerRow.x, lowerRow.y, lowerRow.z, lowerRow.w};
    int high[4] = {};
    int low[4] = {};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const LevelBytes first(upper[i]);
        const LevelBytes second(lower[i]);
        const int2 eight = x[i];
        multiplyTile(high, {first.upper.x, second.upper.x}, {first.upper.y, second.upper.y},
                     eight.x, eight.y);
        multiplyUnsignedTile(low, {first.lower.x, second.lower.x}, {first.lower.y, second.lower.y},
                             eight);
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        sum[i] = high[i] * 256 + low[i];
    }
}

/// 16 rows of a factor and blocks [first, first + count) of the staged ones, which begin at column
/// `column` of the input.
__device__ inline void multiplyFactorItem(const StepProduct& factor, BatchMemory memory, int row,
                                          int column, int first, int count, int sequence,
                                          int vectors) {
    const int quad = laneIndex() % 4;
    const int vector = laneIndex() / 4;
    const int own = first * static_cast<int>(kQuantizedBlock) + quad * kLaneColumns;
    const FactorRow upper(factor, row + vector, column + own, count);
    const FactorRow lower(factor, row + vector + 8, column + own, count);
    float total[4] = {};
#pragma unroll
    for (int block = 0; block < kFactorItemBlocks; ++block) {
        if (block < count) {
            const char* x = memory.codes(vector) + own + block * static_cast<int>(kQuantizedBlock);
            int sum[4];
            multiplyFactorBlock(upper.codes[block], lower.codes[block],
                                reinterpret_cast<const int2*>(x), sum);
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                total[i] = fmaf(memory.scales(first + block)[2 * quad + i % 2],
                                static_cast<float>(sum[i]), total[i]);
            }
        }
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const int ownRow = row + vector + i / 2 * 8;
        const int ownVector = 2 * quad + i % 2;
        if (ownRow < factor.rows && ownVector < vectors) {
            addToTotal(factor.totals + (sequence + ownVector) * factor.rows + ownRow,
                       total[i] / kLevelUnits);
        }
    }
}

/// Items of factors in 4 bits with so many staged blocks.
__device__ inline int factorItems(const ProductPhase& phase, int blocks) {
    int groups = 0;
    for (int i = phase.productCount - phase.factorCount; i < phase.productCount; ++i) {
        groups += (phase.products[i].rows + kTrellisRows - 1) / kTrellisRows;
    }
    return groups * ((blocks + kFactorItemBlocks - 1) / kFactorItemBlocks);
}

/// One of those items; the staged blocks begin with `firstBlock` of the input. Not inlined: it
/// would be compiled into every code's loop.
__device__ __noinline__ void multiplyBatchFactor(int item, int firstBlock, int count, int sequence,
                                                 int vectors) {
    const ProductPhase& phase = currentPhase().product;
    const int parts = (count + kFactorItemBlocks - 1) / kFactorItemBlocks;
    int group = quotient(item, parts);
    const int first = (item - group * parts) * kFactorItemBlocks;
    const StepProduct* factor = &phase.products[phase.productCount - phase.factorCount];
    for (;; ++factor) {
        const int groups = (factor->rows + kTrellisRows - 1) / kTrellisRows;
        if (group < groups) {
            break;
        }
        group -= groups;
    }
    multiplyFactorItem(*factor, {phase.batchBlocks}, group * kTrellisRows,
                       firstBlock * static_cast<int>(kQuantizedBlock), first,
                       min(count - first, kFactorItemBlocks), sequence, vectors);
}

} // namespace caldera::kernels::step
