// From products to values: scales, half steps, L R, rotation, bias, and the next input.
// A team of 256 threads has 128 rows of one sequence; its first warp does what needs them together.
#pragma once

#include "kernels/step/grid.cuh"
#include "kernels/step/low_rank.cuh"
#include "kernels/step/memory.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// The parts of a row that a thread sums.
class RowParts {
public:
    __device__ RowParts(const StepResult& result, int sequence, const TeamPlace& place)
        : total_(0) {
        const float* own = partOf(result, sequence, place, 0);
#pragma unroll
        for (int i = 0; i < kTogether; ++i) {
            part_[i] = 0;
            if (place.row < result.rows && place.share + i * place.shares < result.splits) {
                part_[i] = own[static_cast<int64_t>(i) * place.shares * result.paddedRows];
            }
        }
        if (result.halfSteps != nullptr && place.share == 0) {
            total_ = result.halfSteps[sequence];
        }
    }

    /// The sum of all of the thread's parts.
    __device__ float sum(const StepResult& result, int sequence, const TeamPlace& place) const {
        float total = total_;
#pragma unroll
        for (int i = 0; i < kTogether; ++i) {
            total += part_[i];
        }
        if (place.row < result.rows) {
#pragma unroll 4
            for (int i = kTogether; place.share + i * place.shares < result.splits; ++i) {
                total += *partOf(result, sequence, place, i);
            }
        }
        return total;
    }

private:
    static constexpr int kTogether = 4; ///< under way at once

    __device__ static const float* partOf(const StepResult& result, int sequence,
                                          const TeamPlace& place, int i) {
        const int64_t split = static_cast<int64_t>(sequence) * result.splits + place.share +
                              static_cast<int64_t>(i) * place.shares;
        return result.partial + split * result.paddedRows + place.row;
    }

    float part_[kTogether];
    float total_;
};

/// A thread's row of a result before rotation: what is known before the products are, and the sum.
template <bool kEven>
class TeamRow {
public:
    /// most: the largest rank of the team's results.
    __device__ TeamRow(const StepResult& result, const TeamPlace& place, int most)
        : result_(result), place_(place), most_(most), scale_(1),
          low_(result_, place_, 0, countFrom(0)) {
        if (result_.scale != nullptr && place_.row < result_.rows) {
            scale_ = result_.scale[place_.row / 16];
        }
    }

    /// To memory.value[half][row].
    __device__ void sum(int sequence, TeamMemory& memory) const {
        const RowParts parts(result_, sequence, place_);
        float sum = most_ > 0 ? low_.sum(result_, sequence, place_, memory) : 0;
#pragma unroll 1
        for (int from = kTeamRank; from < most_; from += kTeamRank) { // turns of all of the team
            syncTeam(); // what was reduced before is no longer read
            sum += LowRank<kEven>(result_, place_, from, countFrom(from))
                       .sum(result_, sequence, place_, memory);
        }
        memory.value[place_.half][threadNumber() % kTeamRows] =
            sum + parts.sum(result_, sequence, place_) * scale_;
    }

private:
    __device__ int countFrom(int from) const {
        return max(0, min(kTeamRank, result_.rank - from));
    }

    StepResult result_; ///< read at once
    TeamPlace place_;
    int most_;
    float scale_;
    LowRank<kEven> low_;
};

/// Places of a team's vectors in shared memory: of its result, of up, and the others.
enum TeamVector { kSign, kRowScale, kBias, kUp, kNorm = 6, kNextSign, kHidden };
static_assert(kHidden + 1 == kTeamVectors && kEndSign == kSign && kEndBias == kBias);

/// Lets one of the vectors that the team's first warp needs travel to shared memory.
__device__ inline void copyEndVector(const FinishPhase& phase, int which, int vector, int sequence,
                                     int block, TeamMemory& memory) {
    const int place = vector < kUp     ? which * kUp + vector
                      : vector < kNorm ? vector
                                       : kEndNorm - kNorm + vector;
    const EndVector end = phase.ends[place];
    const int first = firstElement(block);
    if (end.from == nullptr || first >= end.size ||
        (vector >= kUp && vector < kNorm && phase.kind != FinishKind::SwiGlu)) {
        return;
    }
    const int ofSequence = vector == kHidden ? sequence * end.size : 0;
    const char* from = static_cast<const char*>(end.from) +
                       static_cast<int64_t>(ofSequence + first) / kOfLane * end.fourBytes;
    if (end.fourBytes == 16) {
        copyLater(&memory.vectors[vector][laneIndex()], from);
    } else {
        copyHalfLater(&memory.vectors[vector][laneIndex()], from);
    }
}

/// What was copied, or, where vectors are no whole quads, what is loaded now.
template <bool kEven>
__device__ inline float4 endFour(const TeamMemory& memory, TeamVector which, const float* vector,
                                 int first, int size, float instead) {
    if constexpr (kEven) {
        return vector != nullptr && first < size
                   ? *reinterpret_cast<const float4*>(&memory.vectors[which][laneIndex()])
                   : all(instead);
    } else {
        return loadFour<false>(vector, first, size, instead);
    }
}

template <bool kEven>
__device__ inline uint2 endSigns(const TeamMemory& memory, TeamVector which, const uint16_t* vector,
                                 int first, int size) {
    if constexpr (kEven) {
        return vector != nullptr && first < size
                   ? *reinterpret_cast<const uint2*>(&memory.vectors[which][laneIndex()])
                   : loadFourSigns<true>(nullptr, first, size);
    } else {
        return loadFourSigns<false>(vector, first, size);
    }
}

/// The values of 128 rows, 0 beyond the end, from their sums. sign: the first of the result's
/// vectors.
template <bool kEven>
__device__ inline float4 rotateBack(const StepResult& result, TeamVector sign, int sequence,
                                    int block, float4 sum, const TeamMemory& memory) {
    const int first = firstElement(block);
    const auto vector = [&](int offset) { return static_cast<TeamVector>(sign + offset); };
    const float4 signs = fromHalves(endSigns<kEven>(memory, sign, result.sign, first, result.rows));
    const float4 scales =
        endFour<kEven>(memory, vector(kRowScale), result.rowScale, first, result.rows, 1);
    const float4 bias = endFour<kEven>(memory, vector(kBias), result.bias, first, result.rows, 0);
    const float4 rotated = hadamard<kEven>(sum, result.block, result.blockScale);
    float4 value = plus(times(times(rotated, signs), scales), bias);
    const int count = result.rows - first; // real rows of the lane
    value = {count > 0 ? value.x : 0, count > 1 ? value.y : 0, count > 2 ? value.z : 0,
             count > 3 ? value.w : 0};
    if (result.values != nullptr) {
        storeFour<kEven>(result.values + static_cast<int64_t>(sequence) * result.rows, first,
                         result.rows, value);
    }
    return value;
}

__device__ inline float4 sumsOf(const TeamMemory& memory, int half) {
    return *reinterpret_cast<const float4*>(&memory.value[half][laneIndex() * kOfLane]);
}

__device__ inline float gated(float gate, float up) {
    return gate / (1 + __expf(-gate)) * up;
}

/// 1 where the input had no norm.
__device__ inline float inverseRmsOf(const FinishPhase& phase, int sequence) {
    return phase.inverseRms != nullptr ? phase.inverseRms[sequence] : 1;
}

/// What a warp makes of 128 rows of a result from their sums, and those of up where there are two,
/// both divided by the RMS of the input. hidden: what the values are added to.
template <bool kEven>
__device__ inline void endBlock(const FinishPhase& phase, const StepResult& result, int sequence,
                                int block, float4 sum, float4 upSum, float4 hidden,
                                const TeamMemory& memory) {
    float4 value = rotateBack<kEven>(result, kSign, sequence, block, sum, memory);
    if (phase.kind == FinishKind::SwiGlu) {
        const float4 up = rotateBack<kEven>(phase.results[1], kUp, sequence, block, upSum, memory);
        value = {gated(value.x, up.x), gated(value.y, up.y), gated(value.z, up.z),
                 gated(value.w, up.w)};
    }
    const int first = firstElement(block);
    if (phase.kind == FinishKind::Residual) {
        value = plus(value, hidden);
        storeFour<kEven>(phase.hidden + static_cast<int64_t>(sequence) * result.rows, first,
                         result.rows, value);
    }
    if (phase.kind != FinishKind::Values) {
        const StepInput& next = phase.next;
        storeInput<kEven>(next, sequence, block, value,
                          {endFour<kEven>(memory, kNorm, next.norm, first, next.size, 1),
                           endSigns<kEven>(memory, kNextSign, next.sign, first, next.size)});
    }
}

/// 128 rows of a result: written, added to the hidden vector, or, of gate and up, multiplied.
template <bool kEven>
__device__ inline void finishBlock(const FinishPhase& phase, int which, int sequence, int block,
                                   bool isFirst, TeamMemory& memory) {
    const bool isPair = phase.kind == FinishKind::SwiGlu;
    const StepResult& result = phase.results[which];
    const TeamPlace place(block, isPair);
    const int warp = threadNumber() % kTeamThreads / kWarpLanes;
    if constexpr (kEven) {
#pragma unroll 1
        for (int vector = warp; vector < kTeamVectors; vector += kTeamThreads / kWarpLanes) {
            copyEndVector(phase, which, vector, sequence, block, memory);
        }
    }
    const TeamRow<kEven> row(phase.results[isPair ? place.half : which], place,
                             isPair ? max(result.rank, phase.results[1].rank) : result.rank);
    if (isFirst) {
        beginPhase();
    }
    if (block == kNoBlock) {
        return;
    }
    const float4 inverse = all(inverseRmsOf(phase, sequence)); // loaded while rows are summed
    row.sum(sequence, memory);
    waitForCopies();
    syncTeam();
    if (warp == 0) {
        const float4 sum = isPair ? sumsOf(memory, 0) : plus(sumsOf(memory, 0), sumsOf(memory, 1));
        const float* hidden = phase.hidden + static_cast<int64_t>(sequence) * result.rows;
        endBlock<kEven>(
            phase, result, sequence, block, times(sum, inverse), times(sumsOf(memory, 1), inverse),
            phase.kind == FinishKind::Residual
                ? endFour<kEven>(memory, kHidden, hidden, firstElement(block), result.rows, 0)
                : all(0),
            memory);
    }
}

/// Blocks of 128 rows of all results, sequence by sequence, over the teams of all thread blocks.
template <bool kEven>
__device__ __noinline__ void runFinish(int phasePlace) {
    const FinishPhase& phase = phaseAt(phasePlace).finish;
    const int team = threadNumber() / kTeamThreads;
    TeamMemory& memory = stepMemory().teams[team];
    const int blocks = phase.blocks;
    const int second = phase.firstBlock[1];
    const int third = phase.firstBlock[2];
    const int count = stepMemory().state.count;
    forAllTeams(blocks * count, [&](int unit, bool isFirst) {
        const int sequence = count == 1 || unit < 0 ? 0 : quotient(unit, blocks);
        const int block = unit - sequence * blocks;
        const int which = block >= third ? 2 : block >= second ? 1 : 0;
        finishBlock<kEven>(phase, which, sequence,
                           unit < 0 ? kNoBlock : block - phase.firstBlock[which], isFirst, memory);
    });
}

} // namespace caldera::kernels::step
