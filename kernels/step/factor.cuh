// Products of factors R in 4 bits with the staged input. Their items are short: every warp has
// some, whose first codes travel to shared memory early, and does them when it is done with all
// else.
#pragma once

#include "kernels/step/items.cuh"
#include "kernels/step/memory.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// Eight columns: 4-bit numbers of Lloyd levels times int8 inputs, in units of a level.
__device__ inline int dotLevels(uint32_t word, int2 x, int sum) {
    const int* pairs = stepMemory().levelPairs;
    sum = __dp2a_lo(pairs[word & 0xFFU], x.x, sum);
    sum = __dp2a_hi(pairs[(word >> 8) & 0xFFU], x.x, sum);
    sum = __dp2a_lo(pairs[(word >> 16) & 0xFFU], x.y, sum);
    return __dp2a_hi(pairs[word >> 24], x.y, sum);
}

/// The same for int16 inputs.
__device__ inline float dotLevelsWide(uint32_t word, int4 x, float sum) {
    const int pairs[4] = {x.x, x.y, x.z, x.w};
#pragma unroll
    for (int i = 0; i < 8; ++i) {
        const auto code = static_cast<int16_t>(pairs[i / 2] >> (i % 2 * 16));
        sum = fmaf(stepMemory().levels[(word >> (4 * i)) & 0xFU], static_cast<float>(code), sum);
    }
    return sum;
}

/// Whether codes of so many columns, 32 of a whole lane, can be read at once.
__device__ inline bool isWholeVector(const void* from, int count) {
    return count == 32 && reinterpret_cast<uintptr_t>(from) % sizeof(uint4) == 0;
}

/// The codes of up to 32 columns, a multiple of 8; what is beyond may be anything.
__device__ inline uint4 factorCodes(const void* from, int count) {
    const auto* words = static_cast<const uint32_t*>(from);
    if (isWholeVector(from, count)) {
        return *static_cast<const uint4*>(from);
    }
    return {count > 0 ? words[0] : 0, count > 8 ? words[1] : 0, count > 16 ? words[2] : 0,
            count > 24 ? words[3] : 0};
}

/// Four rows of a factor and one or more chunks of 256 columns; a lane has 32 columns of a row of
/// each chunk.
class FactorItem {
public:
    static constexpr int kLanes = 8; ///< of a row
    static constexpr int kColumns = kFactorColumns / kLanes;
    static constexpr int kWords = kColumns / 8;

    /// The phase's item `at`, if there is one.
    __device__ FactorItem(const ProductPhase& phase, int at) {
        if (at >= phase.factorItems) {
            return;
        }
        int which = phase.productCount - phase.factorCount;
        while (which + 1 < phase.productCount && at >= phase.products[which + 1].firstItem) {
            ++which;
        }
        const StepProduct& product = phase.products[which];
        const int own = at - product.firstItem;
        const int group = quotient(own, product.splits);
        const int split = own - group * product.splits;
        const int lane = laneIndex();
        const int row = group * kFactorRows + lane / kLanes;
        chunks_ = product.splitBlocks * static_cast<int>(kQuantizedBlock) / kFactorColumns;
        column_ = split * chunks_ * kFactorColumns + lane % kLanes * kColumns;
        columns_ = product.columns;
        from_ = reinterpret_cast<const uint32_t*>(
            product.codes + static_cast<int64_t>(row) * (product.columns / 2) + column_ / 2);
        total_ = product.totals + row;
        stride_ = product.rows;
    }

    /// The lane's codes of the first chunk to shared memory.
    __device__ void copyCodesLater(uint4* to) const {
        const int count = countOf(0);
        if (isWholeVector(from_, count)) {
            copyLater(to, from_);
            return;
        }
        for (int i = 0; i * 8 < count; ++i) {
            copyWordLater(reinterpret_cast<uint32_t*>(to) + i, from_ + i);
        }
    }

    /// The lane's codes of a chunk, from 0 on; what is beyond its columns may be anything.
    __device__ uint4 codes(int chunk) const {
        return factorCodes(from_ + chunk * (kFactorColumns / 8), countOf(chunk));
    }

    /// Multiplies the lane's codes, those of the first chunk given, with codes and scales of one
    /// sequence's vector.
    template <bool kWide>
    __device__ void multiply(uint4 words, const int* x, const float* scale, int sequence) const {
        float sum = 0;
#pragma unroll 1
        for (int chunk = 0; chunk < chunks_; ++chunk) {
            const uint4 next = chunk + 1 < chunks_ ? codes(chunk + 1) : uint4{};
            sum += multiplyChunk<kWide>(words, x, scale, chunk);
            words = next;
        }
#pragma unroll
        for (int distance = kLanes / 2; distance > 0; distance /= 2) {
            sum += __shfl_xor_sync(kAllLanes, sum, distance);
        }
        if (laneIndex() % kLanes == 0) {
            addToTotal(total_ + sequence * stride_, sum);
        }
    }

private:
    template <bool kWide>
    __device__ float multiplyChunk(uint4 words, const int* x, const float* scale, int chunk) const {
        const int column = column_ + chunk * kFactorColumns;
        const int count = countOf(chunk);
        const uint32_t word[kWords] = {words.x, words.y, words.z, words.w};
        float sum = 0;
        int units = 0;
#pragma unroll
        for (int i = 0; i < kWords; ++i) {
            const int at = column / 8 + i;
            if (i * 8 < count) {
                if constexpr (kWide) {
                    sum = dotLevelsWide(word[i], reinterpret_cast<const int4*>(x)[at], sum);
                } else {
                    units = dotLevels(word[i], reinterpret_cast<const int2*>(x)[at], units);
                }
            }
        }
        if constexpr (!kWide) {
            sum = static_cast<float>(units) / kLevelUnits;
        }
        return count > 0 ? sum * scale[column / static_cast<int>(kQuantizedBlock)] : 0;
    }

    /// Columns of the lane in a chunk.
    __device__ int countOf(int chunk) const {
        return max(min(columns_ - column_ - chunk * kFactorColumns, kColumns), 0);
    }

    const uint32_t* from_ = nullptr;
    int total_ = 0;  ///< place of the first sequence's
    int stride_ = 0; ///< from one sequence's to the next
    int chunks_ = 0;
    int column_ = 0;  ///< the lane's first
    int columns_ = 0; ///< of the factor
};

/// Lets the codes of the warp's first item travel to shared memory.
__device__ inline void stageFactor(const ProductPhase& phase) {
    if (firstTicket() < phase.factorItems) {
        FactorItem(phase, firstTicket())
            .copyCodesLater(&stepMemory().product.factor[threadNumber()]);
    }
}

/// The warp's items with the staged input.
template <bool kWide>
__device__ inline void runFactors(const ProductPhase& phase, int sequence) {
    bool isStaged = sequence == 0;
#pragma unroll 1
    for (int at = firstTicket(); at < phase.factorItems; at += ticketStride()) {
        const FactorItem item(phase, at);
        item.multiply<kWide>(isStaged ? stepMemory().product.factor[threadNumber()] : item.codes(0),
                             inputMemory(), stepMemory().product.scale, sequence);
        isStaged = false;
    }
}

} // namespace caldera::kernels::step
