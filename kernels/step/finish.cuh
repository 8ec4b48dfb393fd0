// From products to values: scales, half steps, L R, rotation, bias, and the next input.
// A team of 256 threads has 128 rows of one sequence; its first warp does what needs them together.
#pragma once

#include "kernels/step/memory.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// A block that no vector has.
inline constexpr int kNoBlock = 1 << 23;

/// Waits for the threads of the own team.
__device__ inline void syncTeam() {
    const int team = static_cast<int>(threadIdx.x) / kTeamThreads;
    asm volatile("bar.sync %0, %1;" ::"r"(team + 1), "n"(kTeamThreads) : "memory");
}

/// What one thread of a team does: a row of a result, or a part of what the row needs. Where there
/// are two results (gate and up) a half of the team has each; else each half has half of the
/// products' parts and of the rank.
struct TeamPlace {
    int half;    ///< of the team's 256 threads
    int row;     ///< of the result
    int thread;  ///< of those that have the same result
    int threads; ///< so many have it
    int share;   ///< of the row: 0 or 1
    int shares;  ///< so many threads have the row

    __device__ TeamPlace(int block, bool isPair) {
        const int own = static_cast<int>(threadIdx.x) % kTeamThreads;
        half = own / kTeamRows;
        row = block * kTeamRows + own % kTeamRows;
        thread = isPair ? own % kTeamRows : own;
        threads = isPair ? kTeamRows : kTeamThreads;
        share = isPair ? 0 : half;
        shares = isPair ? 1 : 2;
    }
};

/// The parts of a row that a thread sums.
struct RowParts {
    static constexpr int kTogether = 4; ///< under way at once
    float part[kTogether];
    float scale;
    float steps;

    __device__ RowParts(const StepResult& result, int sequence, const TeamPlace& place)
        : scale(1), steps(0) {
        const float* own = partOf(result, sequence, place, 0);
#pragma unroll
        for (int i = 0; i < kTogether; ++i) {
            part[i] = 0;
            if (place.row < result.rows && place.share + i * place.shares < result.splits) {
                part[i] = own[static_cast<int64_t>(i) * place.shares * result.paddedRows];
            }
        }
        if (result.scale != nullptr && place.row < result.rows) {
            scale = result.scale[place.row / 16];
        }
        if (result.halfSteps != nullptr && place.share == 0) {
            steps = result.halfSteps[sequence];
        }
    }

    /// The sum of all of the thread's parts, with its scale.
    __device__ float sum(const StepResult& result, int sequence, const TeamPlace& place) const {
        float total = steps;
#pragma unroll
        for (int i = 0; i < kTogether; ++i) {
            total += part[i];
        }
        if (place.row < result.rows) {
#pragma unroll 4
            for (int i = kTogether; place.share + i * place.shares < result.splits; ++i) {
                total += *partOf(result, sequence, place, i);
            }
        }
        return total * scale;
    }

private:
    __device__ static const float* partOf(const StepResult& result, int sequence,
                                          const TeamPlace& place, int i) {
        const int64_t split = static_cast<int64_t>(sequence) * result.splits + place.share +
                              static_cast<int64_t>(i) * place.shares;
        return result.partial + split * result.paddedRows + place.row;
    }
};

/// Sums of the parts of R x, four neighbouring rank indices a thread, some of the parts each.
struct ReducedQuad {
    int first; ///< rank index, within `count`
    int lane;  ///< which parts
    int lanes;

    __device__ ReducedQuad(int count, const TeamPlace& place) {
        const int quads = max(count / kOfLane, 1);
        lanes = count > 0 ? quotient(place.threads, quads) : 0;
        lane = quotient(place.thread, quads);
        first = (place.thread - lane * quads) * kOfLane;
    }

    /// Zero for threads that have no parts.
    __device__ float4 sum(const StepResult& result, int sequence, int from) const {
        const float* parts = result.reduced +
                             static_cast<int64_t>(sequence) * result.reducedSplits * result.rank +
                             from + first;
        float4 total = all(0);
        if (lane < lanes) {
#pragma unroll 8
            for (int split = lane; split < result.reducedSplits; split += lanes) {
                total = plus(total, *reinterpret_cast<const float4*>(parts + split * result.rank));
            }
        }
        return total;
    }
};

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

/// What L R adds to a thread's row from rank indices [from, from + count); all threads of the team
/// call it. count is at most kTeamRank.
template <bool kEven>
__device__ inline float lowRank(const StepResult& result, int sequence, const TeamPlace& place,
                                int from, int count, TeamMemory& memory) {
    const int part = count / place.shares; // count is a multiple of 16
    const int first = place.share * part;
    const ReducedQuad quad(count, place);
    float* stage = memory.stage[place.shares == 1 ? place.half : 0];
    float* reduced = memory.reduced[place.shares == 1 ? place.half : 0];
    const EvenLeft left(result, place, from + first, kEven ? part : 0);
    const float scale = place.thread < count ? result.factorScale[from + place.thread] : 0;
    const float4 sum = quad.sum(result, sequence, from);
    if (quad.lane < quad.lanes) {
        *reinterpret_cast<float4*>(stage + quad.lane * count + quad.first) = sum;
    }
    syncTeam();
#pragma unroll 1
    for (int i = place.thread; i < count; i += place.threads) {
        float total = 0;
#pragma unroll 4
        for (int lane = 0; lane < quad.lanes; ++lane) {
            total += stage[lane * count + i];
        }
        reduced[i] = total * (i == place.thread ? scale : result.factorScale[from + i]);
    }
    syncTeam();
    if constexpr (kEven) {
        return left.times(result, place, part, reduced + first);
    } else {
        return place.row < result.rows
                   ? multiplyLeft(result, place.row, from + first, part, reduced + first)
                   : 0;
    }
}

/// memory.value[half][row]: the row's sums before rotation.
template <bool kEven>
__device__ inline void sumRowsOfTeam(const FinishPhase& phase, const StepResult& result,
                                     int sequence, const TeamPlace& place, TeamMemory& memory) {
    const RowParts parts(result, sequence, place);
    const int most =
        place.shares == 1 ? max(phase.results[0].rank, phase.results[1].rank) : result.rank;
    float sum = 0;
#pragma unroll 1
    for (int from = 0; from < most; from += kTeamRank) { // the same turns for all of the team
        const int count = max(0, min(kTeamRank, result.rank - from));
        if (from > 0) {
            syncTeam(); // what was reduced before is no longer read
        }
        sum += lowRank<kEven>(result, sequence, place, from, count, memory);
    }
    memory.value[place.half][static_cast<int>(threadIdx.x) % kTeamRows] =
        sum + parts.sum(result, sequence, place);
}

/// What a warp needs to rotate 128 rows back; loaded before their sums are known.
struct OutputFactors {
    uint2 sign; ///< of fp16
    float4 rowScale;
    float4 bias;

    template <bool kEven>
    __device__ static OutputFactors load(const StepResult& result, int block) {
        const int first = firstElement(block);
        return {loadFourSigns<kEven>(result.sign, first, result.rows),
                loadFour<kEven>(result.rowScale, first, result.rows, 1),
                loadFour<kEven>(result.bias, first, result.rows, 0)};
    }
};

/// The values of 128 rows, 0 beyond the end, from their sums.
template <bool kEven>
__device__ inline float4 rotateBack(const StepResult& result, const OutputFactors& factors,
                                    int sequence, int block, float4 sum) {
    const int first = firstElement(block);
    const float4 rotated =
        times(hadamard<kEven>(sum, result.block, result.blockScale), fromHalves(factors.sign));
    float4 value = plus(times(rotated, factors.rowScale), factors.bias);
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

/// 128 rows of a result: written, added to the hidden vector, or, of gate and up, multiplied.
template <bool kEven>
__device__ inline void finishBlock(const FinishPhase& phase, const StepResult& result, int sequence,
                                   int block, TeamMemory& memory) {
    const bool isPair = phase.kind == FinishKind::SwiGlu;
    const bool isResidual = phase.kind == FinishKind::Residual;
    const TeamPlace place(block, isPair);
    // Loads for the first warp's part, before the others have their sums. Blocks beyond the
    // vectors' ends load nothing.
    const bool isFirstWarp = static_cast<int>(threadIdx.x) % kTeamThreads < kWarpLanes;
    const int loaded = isFirstWarp ? block : kNoBlock;
    const OutputFactors factors = OutputFactors::load<kEven>(result, loaded);
    const OutputFactors upFactors =
        OutputFactors::load<kEven>(phase.results[1], isPair ? loaded : kNoBlock);
    const InputFactors next =
        InputFactors::load<kEven>(phase.next, isPair || isResidual ? loaded : kNoBlock);
    float* own = phase.hidden + static_cast<int64_t>(sequence) * result.rows;
    const int first = firstElement(loaded);
    const float4 hidden = loadFour<kEven>(isResidual ? own : nullptr, first, result.rows, 0);
    const float inverse = phase.inverseRms != nullptr ? phase.inverseRms[sequence] : 1;
    sumRowsOfTeam<kEven>(phase, isPair ? phase.results[place.half] : result, sequence, place,
                         memory);
    syncTeam();
    if (isFirstWarp) {
        const float4 sum = isPair ? sumsOf(memory, 0) : plus(sumsOf(memory, 0), sumsOf(memory, 1));
        float4 value =
            rotateBack<kEven>(result, factors, sequence, block, times(sum, all(inverse)));
        if (isPair) {
            const float4 up = rotateBack<kEven>(phase.results[1], upFactors, sequence, block,
                                                times(sumsOf(memory, 1), all(inverse)));
            value = {gated(value.x, up.x), gated(value.y, up.y), gated(value.z, up.z),
                     gated(value.w, up.w)};
        }
        if (isResidual) {
            value = plus(value, hidden);
            storeFour<kEven>(own, first, result.rows, value);
        }
        if (isPair || isResidual) {
            storeInput<kEven>(phase.next, sequence, block, value, next);
        }
    }
}

/// Blocks of 128 rows of all results, sequence by sequence, over the teams of all thread blocks.
template <bool kEven>
__device__ __noinline__ void runFinish() {
    const FinishPhase& phase = currentPhase().finish;
    const int team = static_cast<int>(threadIdx.x) / kTeamThreads;
    TeamMemory& memory = stepMemory().teams[team];
    constexpr int kTeams = kStepThreads / kTeamThreads;
    const bool isPair = phase.kind == FinishKind::SwiGlu;
    int blocks = 0;
#pragma unroll 1
    for (int result = 0; result < (isPair ? 1 : phase.resultCount); ++result) {
        blocks += blocksOf(phase.results[result].rows);
    }
#pragma unroll 1
    for (int unit = team * static_cast<int>(gridDim.x) + static_cast<int>(blockIdx.x);
         unit < blocks * stepMemory().state.count; unit += kTeams * static_cast<int>(gridDim.x)) {
        const int sequence = quotient(unit, blocks);
        int block = unit - sequence * blocks;
        int result = 0; // of gate and up, the gate
        while (block >= blocksOf(phase.results[result].rows)) {
            block -= blocksOf(phase.results[result].rows);
            ++result;
        }
        finishBlock<kEven>(phase, phase.results[result], sequence, block, memory);
        syncTeam(); // the team's memory is no longer read
    }
}

} // namespace caldera::kernels::step
