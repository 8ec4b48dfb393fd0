// Products of factors R in 4 bits with the staged input. Their items are short and come last: warps
// that have nothing else do them while others multiply codes.
#pragma once

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

/// Four rows and 256 columns of a factor; a lane has 32 columns of a row.
class FactorItem {
public:
    static constexpr int kLanes = 8; ///< of a row
    static constexpr int kColumns = kFactorColumns / kLanes;
    static constexpr int kWords = kColumns / 8;

    /// The phase's item `at`, if there is one; its codes are under way.
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
        column_ = split * kFactorColumns + lane % kLanes * kColumns;
        count_ = max(min(product.columns - column_, kColumns), 0);
        load(reinterpret_cast<const uint32_t*>(
            product.codes + static_cast<int64_t>(row) * (product.columns / 2) + column_ / 2));
        sums_ = product.partial + static_cast<int64_t>(split) * product.rows + row;
        stride_ = product.splits * product.rows;
    }

    /// Multiplies the lane's codes with codes and scales of one sequence's vector.
    template <bool kWide>
    __device__ void multiply(const int* codes, const float* scale, int sequence) const {
        const uint32_t word[kWords] = {words_.x, words_.y, words_.z, words_.w};
        float sum = 0;
        int units = 0;
#pragma unroll
        for (int i = 0; i < kWords; ++i) {
            const int at = column_ / 8 + i;
            if (i * 8 < count_) {
                if constexpr (kWide) {
                    sum = dotLevelsWide(word[i], reinterpret_cast<const int4*>(codes)[at], sum);
                } else {
                    units = dotLevels(word[i], reinterpret_cast<const int2*>(codes)[at], units);
                }
            }
        }
        if constexpr (!kWide) {
            sum = static_cast<float>(units) / kLevelUnits;
        }
        sum *= count_ > 0 ? scale[column_ / static_cast<int>(kQuantizedBlock)] : 0;
#pragma unroll
        for (int distance = kLanes / 2; distance > 0; distance /= 2) {
            sum += __shfl_xor_sync(kAllLanes, sum, distance);
        }
        if (laneIndex() % kLanes == 0) {
            sums_[static_cast<int64_t>(sequence) * stride_] = sum;
        }
    }

private:
    __device__ void load(const uint32_t* from) {
        if (count_ == kColumns && reinterpret_cast<uintptr_t>(from) % sizeof(uint4) == 0) {
            words_ = *reinterpret_cast<const uint4*>(from);
        } else {
            words_ = {count_ > 0 ? from[0] : 0, count_ > 8 ? from[1] : 0, count_ > 16 ? from[2] : 0,
                      count_ > 24 ? from[3] : 0};
        }
    }

    uint4 words_{};
    float* sums_ = nullptr; ///< of the first sequence
    int stride_ = 0;        ///< from one sequence's sums to the next
    int column_ = 0;
    int count_ = 0; ///< columns of the lane
};

} // namespace caldera::kernels::step
