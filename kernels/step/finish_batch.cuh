// Ends of products for several sequences at once: a team of 256 threads has 128 rows of up to eight
// of them, so that what belongs to the rows is read once, and each of its warps ends one sequence.
//
// Ends are straight code that a phase runs once: loops stay loops, for what is not in the cache of
// instructions takes longer to fetch than to do.
#pragma once

#include "kernels/step/finish.cuh"

namespace caldera::kernels::step {

inline constexpr int kEndSequences = 8; ///< of a team, one for each of its warps
/// Rank indices whose R x are in shared memory together.
inline constexpr int kEndRank = 64;

/// R x with the factors' scales.
using EndReduced = float[kEndSequences][kEndRank];
/// Rows before rotation.
using EndValues = float[kEndSequences][kTeamRows];

/// Of one team, where products have their inputs; of two results.
struct BatchEnds {
    EndReduced reduced[2];
    EndValues value[2];
};

__device__ inline BatchEnds& batchEnds() {
    return reinterpret_cast<BatchEnds*>(inputMemory())[threadNumber() / kTeamThreads];
}

/// Sequences [first, first + count) of a team, and what a thread has of them: one row, and every
/// second sequence.
struct BatchRows {
    static constexpr int kOwn = kEndSequences / 2;
    int first;
    int count;
    int row;
    int share; ///< 0 or 1: which of the sequences

    __device__ BatchRows(int firstSequence, int sequences, int block)
        : first(firstSequence), count(sequences),
          row(block * kTeamRows + threadNumber() % kTeamRows),
          share(threadNumber() % kTeamThreads / kTeamRows) {}

    __device__ int own(int i) const { return share + 2 * i; }
};

/// R x of rank indices from one on, to shared memory; zeros where there are none.
__device__ inline void reduceBatch(const StepResult& result, const BatchRows& rows, int from,
                                   EndReduced& reduced) {
#pragma unroll 2
    for (int at = threadNumber() % kTeamThreads; at < rows.count * kEndRank; at += kTeamThreads) {
        const int sequence = at / kEndRank;
        const int index = from + at % kEndRank;
        reduced[sequence][at % kEndRank] =
            index < result.rank
                ? totalAt(result.totals + (rows.first + sequence) * result.rank + index) *
                      result.factorScale[index]
                : 0;
    }
}

/// Adds L R x of some rank indices; R x is there.
__device__ inline void addLowRank(const StepResult& result, const BatchRows& rows, int from,
                                  const EndReduced& reduced, float (&sum)[BatchRows::kOwn]) {
    const float* levels = stepMemory().levels;
    const auto* left = reinterpret_cast<const uint4*>(
        result.left + (static_cast<int64_t>(rows.row) * result.rank + from) / 2);
    const int count = min(kEndRank, result.rank - from);
#pragma unroll 1
    for (int index = 0; index < count; index += 32) {
        const uint4 four = left[index / 32];
        const uint32_t words[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
        for (int eight = 0; eight < 8; ++eight) { // half a word
            const uint32_t bits = words[eight / 2] >> (eight % 2 * 16);
            const auto level = [&](int i) { return levels[bits >> (4 * i) & 0xFU]; };
            const float4 l = {level(0), level(1), level(2), level(3)};
#pragma unroll
            for (int i = 0; i < BatchRows::kOwn; ++i) {
                if (2 * i < rows.count) {
                    const float4 x =
                        *reinterpret_cast<const float4*>(&reduced[rows.own(i)][index + 4 * eight]);
                    sum[i] = fmaf(l.x, x.x, fmaf(l.y, x.y, fmaf(l.z, x.z, fmaf(l.w, x.w, sum[i]))));
                }
            }
        }
    }
}

/// Adds the parts of a row's products.
__device__ inline void addParts(const StepResult& result, const BatchRows& rows,
                                float (&total)[BatchRows::kOwn]) {
    const int64_t stride = static_cast<int64_t>(result.splits) * result.paddedRows; // of a sequence
    const float* parts = result.partial + (rows.first + rows.share) * stride + rows.row;
#pragma unroll 2
    for (int split = 0; split < result.splits; ++split) {
#pragma unroll
        for (int i = 0; i < BatchRows::kOwn; ++i) {
            if (rows.own(i) < rows.count) {
                total[i] += parts[2 * i * stride + static_cast<int64_t>(split) * result.paddedRows];
            }
        }
    }
}

/// The rows of one result before rotation, to shared memory; R x of its first rank indices is
/// there.
__device__ inline void sumBatchRows(const StepResult& result, const BatchRows& rows,
                                    EndReduced& reduced, EndValues& value) {
    const bool isThere = rows.row < result.rows;
    const float scale = result.scale != nullptr && isThere ? result.scale[rows.row / 16] : 1;
    float total[BatchRows::kOwn];
#pragma unroll
    for (int i = 0; i < BatchRows::kOwn; ++i) {
        total[i] = result.halfSteps != nullptr && rows.own(i) < rows.count
                       ? result.halfSteps[rows.first + rows.own(i)]
                       : 0;
    }
    if (isThere) {
        addParts(result, rows, total);
    }
    float sum[BatchRows::kOwn] = {};
#pragma unroll 1
    for (int from = 0; from < result.rank; from += kEndRank) {
        if (from > 0) {
            syncTeam(); // what was reduced before is no longer read
            reduceBatch(result, rows, from, reduced);
            syncTeam();
        }
        if (isThere) {
            addLowRank(result, rows, from, reduced, sum);
        }
    }
#pragma unroll
    for (int i = 0; i < BatchRows::kOwn; ++i) {
        value[rows.own(i)][rows.row % kTeamRows] = fmaf(total[i], scale, sum[i]);
    }
}

/// 128 rows of a result, or of gate and up, for some sequences.
__device__ inline void finishBatchBlock(const FinishPhase& phase, int which, const BatchRows& rows,
                                        int block, bool isFirst, TeamMemory& memory) {
    const int results = phase.kind == FinishKind::SwiGlu ? 2 : 1;
    BatchEnds& ends = batchEnds();
    const int warp = threadNumber() % kTeamThreads / kWarpLanes;
    const bool isEnding = warp < rows.count;
#pragma unroll 1
    for (int vector = warp; vector < kHidden; vector += kTeamThreads / kWarpLanes) {
        copyEndVector(phase, which, vector, 0, block, memory);
    }
    const StepResult& first = phase.results[which];
    const float4 hidden =
        loadFour<true>(phase.kind == FinishKind::Residual && isEnding
                           ? phase.hidden + static_cast<int64_t>(rows.first + warp) * first.rows
                           : nullptr,
                       firstElement(block), first.rows, 0);
    if (isFirst) {
        beginPhase();
    }
    if (block == kNoBlock) {
        return;
    }
    const float inverse = isEnding ? inverseRmsOf(phase, rows.first + warp) : 1;
#pragma unroll 1
    for (int i = 0; i < results; ++i) {
        reduceBatch(phase.results[which + i], rows, 0, ends.reduced[i]);
    }
    syncTeam();
#pragma unroll 1
    for (int i = 0; i < results; ++i) {
        sumBatchRows(phase.results[which + i], rows, ends.reduced[i], ends.value[i]);
    }
    waitForCopies();
    syncTeam();
    if (isEnding) {
        const auto sumsAt = [&](int result) {
            return *reinterpret_cast<const float4*>(
                &ends.value[result][warp][laneIndex() * kOfLane]);
        };
        const float4 scale = all(inverse);
        endBlock<true>(phase, first, rows.first + warp, block, times(sumsAt(0), scale),
                       results == 2 ? times(sumsAt(1), scale) : all(0), hidden, memory);
    }
}

/// Whether that is faster than blocks of one sequence after the other; by measurement. The same for
/// all phases, so that their code stays in the cache.
__device__ inline bool isFinishShared(const FinishPhase& phase) {
    return phase.isBatched != 0 && stepMemory().state.count > 4;
}

/// As few sequences at a time as leave every team one unit.
__device__ inline int sequencesOfTeam(int blocks, int count) {
    const int teams = static_cast<int>(gridDim.x) * (kStepThreads / kTeamThreads);
    int together = 1;
    while (together < kEndSequences && blocks * ((count + together - 1) / together) > teams) {
        together *= 2;
    }
    return together;
}

/// Blocks of 128 rows of all results, for some sequences at a time.
__device__ __noinline__ void runFinishBatch(int phasePlace) {
    const FinishPhase& phase = phaseAt(phasePlace).finish;
    TeamMemory& memory = stepMemory().teams[threadNumber() / kTeamThreads];
    const int blocks = phase.blocks;
    const int count = stepMemory().state.count;
    const int together = sequencesOfTeam(blocks, count);
    const int units = blocks * ((count + together - 1) / together);
    forAllTeams(units, [&](int unit, bool isFirst) {
        const int round = unit < 0 ? 0 : quotient(unit, blocks);
        const int block = unit - round * blocks;
        const int which = block >= phase.firstBlock[2] ? 2 : block >= phase.firstBlock[1] ? 1 : 0;
        const int sequence = round * together;
        const int own = unit < 0 ? kNoBlock : block - phase.firstBlock[which];
        const BatchRows rows(sequence, min(together, count - sequence), own);
        finishBatchBlock(phase, which, rows, own, isFirst, memory);
    });
}

} // namespace caldera::kernels::step
