// Products of a table stored row by row, whole numbers of 4 or 8 bits, with up to eight vectors of
// 16 bits at once, on tensor cores: bytes of the inputs go through them one after the other.
#pragma once

#include <cuda_fp16.h>

#include "kernels/step/batch.cuh"
#include "kernels/step/facts.cuh"
#include "kernels/step/grid.cuh"
#include "kernels/step/items.cuh"
#include "kernels/step/memory.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// Columns that have one scale, and those of them that a lane has.
inline constexpr int kTableGroup = 64;
inline constexpr int kTableLaneColumns = kTableGroup / 4;

/// The upper and lower bytes of a piece of the inputs [2, 8, blocks * 128], their scales [blocks,
/// 8] and the sums of each group of 64 [blocks * 2, 8]. They lie where codes have their tables,
/// too. Vectors begin 64 bytes more than whole blocks apart, for the sake of banks.
struct TableInputs {
    int blocks; ///< that a piece has at most

    __device__ char* bytes(int plane, int vector) const {
        const int stride = blocks * static_cast<int>(kQuantizedBlock) + kTableGroup;
        return reinterpret_cast<char*>(tableMemory()) + (plane * kBatch + vector) * stride;
    }
    __device__ float* scales(int block) const {
        return reinterpret_cast<float*>(bytes(2, 0)) + block * kBatch;
    }
    __device__ int* sums(int group) const {
        return reinterpret_cast<int*>(scales(blocks)) + group * kBatch;
    }
};

/// 4 bits: unsigned codes, eight columns a word, of which the even ones lie in the lower halves of
/// bytes.
struct TableInt4 {
    using Words = uint2; ///< of a lane's columns of a row
    static constexpr int kZero = 8;
    static constexpr bool kIsSigned = false;

    __device__ static Words load(const StepProduct& table, int64_t row, int column) {
        return __ldcs(
            reinterpret_cast<const Words*>(table.codes + (row * table.columns + column) / 2));
    }
    __device__ static float scale(const StepProduct& table, int64_t row, int group) {
        const auto* scales = static_cast<const __half*>(table.scale);
        return __half2float(scales[row * (table.columns / kTableGroup) + group]);
    }
    /// Four columns: 0 and 1 of a lane's first eight, 2 and 3 of its last.
    __device__ static int quad(Words words, int which) {
        const uint32_t word = which < 2 ? words.x : words.y;
        return static_cast<int>((which % 2 == 0 ? word : word >> 4) & 0x0F0F0F0FU);
    }
    /// A byte of each of eight columns, as the quads have them.
    __device__ static uint2 order(uint4 columns, uint32_t select) {
        const uint32_t low = __byte_perm(columns.x, columns.y, select);  // columns 0 to 3
        const uint32_t high = __byte_perm(columns.z, columns.w, select); // 4 to 7
        return {__byte_perm(low, high, 0x6420), __byte_perm(low, high, 0x7531)};
    }
};

struct TableInt8 {
    using Words = uint4;
    static constexpr int kZero = 0;
    static constexpr bool kIsSigned = true;

    __device__ static Words load(const StepProduct& table, int64_t row, int column) {
        return __ldcs(reinterpret_cast<const Words*>(table.codes + row * table.columns + column));
    }
    __device__ static float scale(const StepProduct& /*table*/, int64_t /*row*/, int /*group*/) {
        return 1; // the end of the product has the row's
    }
    __device__ static int quad(Words words, int which) {
        return static_cast<int>(which == 0   ? words.x
                                : which == 1 ? words.y
                                : which == 2 ? words.z
                                             : words.w);
    }
    __device__ static uint2 order(uint4 columns, uint32_t select) {
        return {__byte_perm(columns.x, columns.y, select),
                __byte_perm(columns.z, columns.w, select)};
    }
};

/// The sum of the lower and upper half of each of four words.
__device__ inline int sumOfHalves(uint4 words) {
    constexpr int kOnes = 0x0101;
    return __dp2a_lo(static_cast<int>(words.x), kOnes,
                     __dp2a_lo(static_cast<int>(words.y), kOnes,
                               __dp2a_lo(static_cast<int>(words.z), kOnes,
                                         __dp2a_lo(static_cast<int>(words.w), kOnes, 0))));
}

/// A piece of the inputs to shared memory; vectors beyond the last may be anything.
template <class Table>
__device__ inline void stageTable(const StepVector& x, TableInputs inputs, int sequence,
                                  int vectors, int firstBlock) {
    constexpr int kEight = 8;
    const int blocks = min(inputs.blocks, x.blocks - firstBlock);
    const int eights = blocks * static_cast<int>(kQuantizedBlock) / kEight;
#pragma unroll 1
    for (int vector = 0; vector < vectors; ++vector) {
        const int64_t own = static_cast<int64_t>(sequence + vector) * x.blocks + firstBlock;
        const auto* from = reinterpret_cast<const uint4*>(static_cast<const int16_t*>(x.codes) +
                                                          own * kQuantizedBlock);
        // A block has 16 of them, so that the lanes of a warp go round together or by halves.
#pragma unroll 2
        for (int i = threadNumber(); i < eights; i += kStepThreads) {
            const uint4 columns = from[i];
            *reinterpret_cast<uint2*>(inputs.bytes(0, vector) + i * kEight) =
                Table::order(columns, 0x7531);
            *reinterpret_cast<uint2*>(inputs.bytes(1, vector) + i * kEight) =
                Table::order(columns, 0x6420);
            int sum = sumOfHalves(columns);
            const unsigned together = 0xFFU << (laneIndex() & ~7); // they have one group of 64
#pragma unroll
            for (int distance = 1; distance < kTableGroup / kEight; distance *= 2) {
                sum += __shfl_xor_sync(together, sum, distance);
            }
            inputs.sums(i * kEight / kTableGroup)[vector] = sum;
        }
        for (int block = threadNumber(); block < blocks; block += kStepThreads) {
            inputs.scales(block)[vector] = x.scale[own + block];
        }
    }
}

/// sum [16 rows, 8 vectors] += 32 columns of bytes; the input's have no sign where they are lower
/// ones.
template <bool kIsSigned, bool kIsUpper>
__device__ inline void multiplyTableTile(int (&sum)[4], int2 first, int2 second, uint32_t x,
                                         uint32_t y) {
#define CALDERA_MMA(types)                                                                         \
    asm("mma.sync.aligned.m16n8k32.row.col.s32." types ".s32 {%0, %1, %2, %3}, "                   \
        "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                                            \
        : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])                                   \
        : "r"(first.x), "r"(first.y), "r"(second.x), "r"(second.y), "r"(x), "r"(y))
    if constexpr (kIsSigned && kIsUpper) {
        CALDERA_MMA("s8.s8");
    } else if constexpr (kIsSigned) {
        CALDERA_MMA("s8.u8");
    } else if constexpr (kIsUpper) {
        CALDERA_MMA("u8.s8");
    } else {
        CALDERA_MMA("u8.u8");
    }
#undef CALDERA_MMA
}

/// A lane's codes of some groups of columns of its two rows, r and r + 8 of 16, r = lane / 4.
template <class Table>
struct TableAhead {
    static constexpr int kGroups = 4;
    typename Table::Words upper[kGroups];
    typename Table::Words lower[kGroups];
    float upperScale[kGroups];
    float lowerScale[kGroups];

    __device__ void load(const StepProduct& table, int row, int group, int end) {
        const int upperRow = min(row + laneIndex() / 4, table.rows - 1);
        const int lowerRow = min(row + laneIndex() / 4 + 8, table.rows - 1);
#pragma unroll
        for (int i = 0; i < kGroups; ++i) {
            const int own = min(group + i, end - 1);
            const int column = own * kTableGroup + laneIndex() % 4 * kTableLaneColumns;
            upper[i] = Table::load(table, upperRow, column);
            lower[i] = Table::load(table, lowerRow, column);
            upperScale[i] = Table::scale(table, upperRow, own);
            lowerScale[i] = Table::scale(table, lowerRow, own);
        }
    }
};

/// total [16 rows, 8 vectors] += one group of columns, which has a place among the staged ones.
template <class Table>
__device__ inline void multiplyTableGroup(const TableAhead<Table>& codes, int which,
                                          TableInputs inputs, int group, float (&total)[4]) {
    const int vector = laneIndex() / 4;
    const int own = group * kTableGroup + laneIndex() % 4 * kTableLaneColumns;
    const uint4 high = *reinterpret_cast<const uint4*>(inputs.bytes(0, vector) + own);
    const uint4 low = *reinterpret_cast<const uint4*>(inputs.bytes(1, vector) + own);
    int2 quads[4];
#pragma unroll
    for (int quad = 0; quad < 4; ++quad) {
        quads[quad] = {Table::quad(codes.upper[which], quad),
                       Table::quad(codes.lower[which], quad)};
    }
    int upper[4] = {};
    int lower[4] = {};
    multiplyTableTile<Table::kIsSigned, true>(upper, quads[0], quads[1], high.x, high.y);
    multiplyTableTile<Table::kIsSigned, false>(lower, quads[0], quads[1], low.x, low.y);
    multiplyTableTile<Table::kIsSigned, true>(upper, quads[2], quads[3], high.z, high.w);
    multiplyTableTile<Table::kIsSigned, false>(lower, quads[2], quads[3], low.z, low.w);
    const int pair = laneIndex() % 4 * 2;
    const int block = group * kTableGroup / static_cast<int>(kQuantizedBlock);
    const float2 scale = *reinterpret_cast<const float2*>(inputs.scales(block) + pair);
    const int2 sum = *reinterpret_cast<const int2*>(inputs.sums(group) + pair);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const int product = upper[i] * 256 + lower[i] - Table::kZero * (i % 2 == 0 ? sum.x : sum.y);
        total[i] = fmaf(static_cast<float>(product),
                        (i % 2 == 0 ? scale.x : scale.y) *
                            (i < 2 ? codes.upperScale[which] : codes.lowerScale[which]),
                        total[i]);
    }
}

/// Writes a lane's sums of an item, of `vectors` vectors from `sequence` on.
__device__ __forceinline__ void storeTableSums(const StepProduct& table, const ProductItem& item,
                                               int sequence, int vectors, const float (&total)[4]) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const int vector = laneIndex() % 4 * 2 + i % 2;
        if (vector < vectors) {
            sumsOf(table, item, sequence + vector)[laneIndex() / 4 + i / 2 * 8] = total[i];
        }
    }
}

/// All items of the thread block's warps with the parts of the inputs that are staged, from one on.
template <class Table>
__device__ inline void multiplyTableItems(const StepProduct& table, TableInputs inputs,
                                          int firstSplit, int splits, int sequence, int vectors) {
    constexpr int kGroups = TableAhead<Table>::kGroups;
    constexpr int kGroupsOfBlock = static_cast<int>(kQuantizedBlock) / kTableGroup;
    const int part = table.splitBlocks * kGroupsOfBlock;
    const int staged = min(table.columns / kTableGroup - firstSplit * part,
                           inputs.blocks * kGroupsOfBlock); // groups of columns
    const int unstaged = firstSplit * part;
#pragma unroll 1
    for (int at = firstTicket(); at < table.groups * splits; at = nextTicket()) {
        ProductItem item;
        item.group = quotient(at, splits);
        const int split = at - item.group * splits;
        item.split = firstSplit + split;
        const int row = item.group * kTrellisRows;
        const int first = split * part;
        const int end = min(first + part, staged);
        float total[4] = {};
        TableAhead<Table> ahead;
        if (first < end) {
            ahead.load(table, row, unstaged + first, unstaged + end);
        }
#pragma unroll 1
        for (int group = first; group < end; group += kGroups) {
            const TableAhead<Table> codes = ahead;
            if (group + kGroups < end) {
                ahead.load(table, row, unstaged + group + kGroups, unstaged + end);
            }
#pragma unroll
            for (int i = 0; i < kGroups; ++i) {
                if (group + i < end) {
                    multiplyTableGroup(codes, i, inputs, group + i, total);
                }
            }
        }
        storeTableSums(table, item, sequence, vectors, total);
    }
}

/// A phase of one table, eight sequences and a piece of their inputs at a time. The tables of codes
/// are gone after it.
template <class Table>
__device__ __noinline__ void runTable(int place) {
    const ProductPhase& phase = phaseAt(place).product;
    const StepProduct& table = phase.products[0];
    const TableInputs inputs{min(phase.tableBlocks, phase.plain.blocks)};
    const int sequences = stepMemory().state.count;
    beginPhase();
    noteFacts(phase);
#pragma unroll 1
    for (int sequence = 0; sequence < sequences; sequence += kBatch) {
        const int vectors = min(kBatch, sequences - sequence);
        int split = 0;
        do {
            const int splits = kHasTablePieces ? 1 : table.splits;
            __syncthreads(); // the inputs before are no longer read, no item is taken
            if (threadIdx.x == 0) {
                stepMemory().progress.tickets = kFirstTicket;
            }
            stageTable<Table>(phase.plain, inputs, sequence, vectors, split * table.splitBlocks);
            __syncthreads();
            multiplyTableItems<Table>(table, inputs, split, splits, sequence, vectors);
            split += splits;
        } while (kHasTablePieces && split < table.splits);
    }
}

} // namespace caldera::kernels::step
