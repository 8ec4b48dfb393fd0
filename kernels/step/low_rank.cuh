// L R at the end of a product: a team of 256 threads multiplies 128 rows of L by R x.
#pragma once

#include "kernels/step/items.cuh"
#include "kernels/step/memory.cuh"
#include "kernels/step/team.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// 32 entries of a row of L in 4 bits times the reduced vector.
__device__ inline float dotLevels32(uint4 words, const float* reduced) {
    const float* levels = stepMemory().levels;
    const uint32_t word[4] = {words.x, words.y, words.z, words.w};
    float sum[4] = {};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const float4 low = *reinterpret_cast<const float4*>(reduced + 8 * i);
        const float4 high = *reinterpret_cast<const float4*>(reduced + 8 * i + 4);
        const float x[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
        for (int j = 0; j < 8; ++j) {
            sum[i] = fmaf(levels[(word[i] >> (4 * j)) & 0xFU], x[j], sum[i]);
        }
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/// A thread's entries of a row of L, [first, first + count) of the rank: 16 bytes at a time, the
/// first of them loaded before the reduced vector is known.
struct EvenLeft {
    static constexpr int kTogether = 2;
    static constexpr int kEntries = 32; ///< of 16 bytes
    const uint4* from;
    uint4 words[kTogether];

    __device__ EvenLeft(const StepResult& result, const TeamPlace& place, int first, int count)
        : from(reinterpret_cast<const uint4*>(
              result.left + (static_cast<int64_t>(place.row) * result.rank + first) / 2)) {
#pragma unroll
        for (int i = 0; i < kTogether; ++i) {
            words[i] = {};
            if (place.row < result.rows && i * kEntries < count) {
                words[i] = from[i];
            }
        }
    }

    __device__ float times(const StepResult& result, const TeamPlace& place, int count,
                           const float* reduced) const {
        float sum = 0;
        if (place.row < result.rows) {
#pragma unroll
            for (int i = 0; i < kTogether; ++i) {
                if (i * kEntries < count) {
                    sum += dotLevels32(words[i], reduced + i * kEntries);
                }
            }
#pragma unroll 2
            for (int i = kTogether; i * kEntries < count; ++i) {
                sum += dotLevels32(from[i], reduced + i * kEntries);
            }
        }
        return sum;
    }
};

/// The same for any count that is a multiple of 8, and for L in fp16.
__device__ __noinline__ float multiplyLeft(const StepResult& result, int row, int first, int count,
                                           const float* reduced) {
    const float* levels = stepMemory().levels;
    float sum = 0;
    const int64_t at = static_cast<int64_t>(row) * result.rank + first;
    if (result.leftStorage == StepStorage::Lloyd4) {
        const auto* words = reinterpret_cast<const uint32_t*>(result.left + at / 2);
#pragma unroll 2
        for (int i = 0; i < count; i += 8) {
            const uint32_t word = words[i / 8];
#pragma unroll
            for (int j = 0; j < 8; ++j) {
                sum = fmaf(levels[(word >> (4 * j)) & 0xFU], reduced[i + j], sum);
            }
        }
        return sum;
    }
    const auto* values = reinterpret_cast<const __half*>(result.left) + at;
#pragma unroll 8
    for (int i = 0; i < count; ++i) {
        sum = fmaf(__half2float(values[i]), reduced[i], sum);
    }
    return sum;
}

/// What L R adds to a thread's row from rank indices [from, from + count), in two steps: what is
/// known before R x is, and the sum. All threads of the team go through both.
template <bool kEven>
class LowRank {
public:
    /// count: at most kTeamRank, a multiple of 16; 0: there are none.
    __device__ LowRank(const StepResult& result, const TeamPlace& place, int from, int count)
        : from_(from), count_(count), part_(place.shares == 1 ? count : count / 2),
          first_(place.share * part_), left_(result, place, from + first_, kEven ? part_ : 0) {
#pragma unroll
        for (int i = 0; i < kOfThread; ++i) {
            const int index = place.thread + i * place.threads;
            scale_[i] = index < count ? result.factorScale[from + index] : 0;
        }
    }

    __device__ float sum(const StepResult& result, int sequence, const TeamPlace& place,
                         TeamMemory& memory) const {
        float* reduced = memory.reduced[place.shares == 1 ? place.half : 0];
#pragma unroll
        for (int i = 0; i < kOfThread; ++i) {
            const int index = place.thread + i * place.threads;
            if (index < count_) {
                reduced[index] =
                    totalAt(result.totals + sequence * result.rank + from_ + index) * scale_[i];
            }
        }
        syncTeam();
        if constexpr (kEven) {
            return left_.times(result, place, part_, reduced + first_);
        } else {
            return place.row < result.rows
                       ? multiplyLeft(result, place.row, from_ + first_, part_, reduced + first_)
                       : 0;
        }
    }

private:
    static constexpr int kOfThread =
        kTeamRank / kTeamRows; ///< rank indices, where there are two results
    int from_;
    int count_;
    int part_; ///< rank indices of the thread
    int first_;
    EvenLeft left_;
    float scale_[kOfThread];
};

} // namespace caldera::kernels::step
