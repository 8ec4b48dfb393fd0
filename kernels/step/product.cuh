// Products of coded matrices with one vector. Eight lanes share a block of 128 columns and four
// blocks go through a warp at once, so that loads are whole lines.
#pragma once

#include "kernels/common/warp.cuh"
#include "kernels/step/e8p_table.cuh"
#include "kernels/step/step.h"
#include "kernels/step/table.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

inline constexpr int kLanesOfBlock = 8;
inline constexpr int kBlocksTogether = kWarpLanes / kLanesOfBlock;
template <class S>
inline constexpr int kUnitsOfBlock = static_cast<int>(kQuantizedBlock) / S::kUnitColumns;
/// Units that a lane loads of its block.
template <class S>
inline constexpr int kLoads = kUnitsOfBlock<S> / kLanesOfBlock;
/// An int32 that starts here reads as an f32 of 1.5 * 2^23 plus what was added: no conversion. The
/// sums of 128 products of int8 stay below 2^22.
inline constexpr int kFloatZero = 0x4B400000;
inline constexpr float kFloatZeroValue = 12582912.0F;

/// Words of codes, each read once.
template <int kWords>
__device__ inline void loadWords(const uint32_t* __restrict__ from, uint32_t (&words)[kWords]) {
    if constexpr (kWords % 4 == 0) {
#pragma unroll
        for (int i = 0; i < kWords / 4; ++i) {
            const uint4 four = __ldcs(reinterpret_cast<const uint4*>(from) + i);
            words[4 * i] = four.x;
            words[4 * i + 1] = four.y;
            words[4 * i + 2] = four.z;
            words[4 * i + 3] = four.w;
        }
    } else if constexpr (kWords % 2 == 0) {
#pragma unroll
        for (int i = 0; i < kWords / 2; ++i) {
            const uint2 two = __ldcs(reinterpret_cast<const uint2*>(from) + i);
            words[2 * i] = two.x;
            words[2 * i + 1] = two.y;
        }
    } else {
#pragma unroll
        for (int i = 0; i < kWords; ++i) {
            words[i] = __ldcs(from + i);
        }
    }
}

/// Four columns' inputs: int8, or int16 in two words.
template <bool kWide>
struct Quad {
    int low;
    __device__ Quad(const int* codes, int quad) : low(codes[quad]) {}
    __device__ int dot(int entries, int sum) const { return __dp4a(entries, low, sum); }
};

template <>
struct Quad<true> {
    int2 pairs;
    __device__ Quad(const int* codes, int quad)
        : pairs(reinterpret_cast<const int2*>(codes)[quad]) {}
    __device__ int dot(int entries, int sum) const {
        return __dp2a_hi(pairs.y, entries, __dp2a_lo(pairs.x, entries, sum));
    }
};

/// Adds the columns of a unit, the input's from `unit` on, of all 16 rows to sum.
template <class S, bool kWide>
__device__ inline void multiplyUnit(const uint32_t (&words)[S::kUnitWords], int unit, uint32_t copy,
                                    int (&sum)[kTrellisRows]) {
    constexpr int kQuads = S::kUnitColumns / 4;
    if constexpr (kQuads == 1) {
        const Quad<kWide> x(inputMemory(), unit);
#pragma unroll
        for (int row = 0; row < kTrellisRows; ++row) {
            int numbers[1];
            decodeRow(S{}, words, row, copy, numbers);
            sum[row] = x.dot(numbers[0], sum[row]);
        }
    } else {
        const Quad<kWide> low(inputMemory(), 2 * unit);
        const Quad<kWide> high(inputMemory(), 2 * unit + 1);
#pragma unroll
        for (int row = 0; row < kTrellisRows; ++row) {
            int numbers[2];
            decodeRow(S{}, words, row, copy, numbers);
            sum[row] = high.dot(numbers[1], low.dot(numbers[0], sum[row]));
        }
    }
}

/// filled: the code whose table is in shared memory, -1 for none.
template <class S>
__device__ inline void fillTable(const ProductPhase& phase, int& filled) {
    if (filled != phase.code) {
        S::fill(phase.entries);
        filled = phase.code;
    }
}

/// The sums of 16 rows over all lanes: lane 2 r (and 2 r + 1) gets row r's.
__device__ inline float sumRows(const float (&value)[kTrellisRows]) {
    const float sum = foldLanes<kTrellisRows, kTrellisRows>(value);
    return sum + __shfl_xor_sync(kAllLanes, sum, 1);
}

/// A lane's codes of a turn, which are of one block.
template <class S>
using TurnWords = uint32_t[kLoads<S>][S::kUnitWords];

/// Words from a unit of a lane to its next one in the block.
template <class S>
inline constexpr int kLoadStride = kLanesOfBlock* S::kUnitWords;
/// Words from a turn to the next.
template <class S>
inline constexpr int kTurnStride = kBlocksTogether* kUnitsOfBlock<S>* S::kUnitWords;

/// One turn: a lane's units of block turn + lane / 8. The next turn's codes are loaded as soon as
/// their registers are free. Of the last turn of a row some blocks may be beyond `end`; they count
/// nothing.
template <class S, bool kWide>
__device__ inline void multiplyTurn(TurnWords<S>& words, const uint32_t* next, int turn, int end,
                                    uint32_t copy, float (&total)[kTrellisRows]) {
    const int block = turn + laneIndex() / kLanesOfBlock;
    const int unit = block * kUnitsOfBlock<S> + laneIndex() % kLanesOfBlock;
    int sum[kTrellisRows];
#pragma unroll
    for (int& each : sum) {
        each = kWide ? 0 : kFloatZero;
    }
#pragma unroll
    for (int load = 0; load < kLoads<S>; ++load) {
        multiplyUnit<S, kWide>(words[load], unit + load * kLanesOfBlock, copy, sum);
        loadWords(next + load * kLoadStride<S>, words[load]);
    }
    const float scale = block < end ? stepMemory().product.scale[block] : 0;
#pragma unroll
    for (int row = 0; row < kTrellisRows; ++row) {
        const float value =
            kWide ? __int2float_rn(sum[row]) : __int_as_float(sum[row]) - kFloatZeroValue;
        total[row] = fmaf(scale, value, total[row]);
    }
}

} // namespace caldera::kernels::step
