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

/// What one thread of a team does: a row of a result, or a part of what the row needs.
struct TeamPlace {
    int thread; ///< of the team
    int half;   ///< of its 256 threads
    int row;    ///< of the result

    __device__ explicit TeamPlace(int block)
        : thread(static_cast<int>(threadIdx.x) % kTeamThreads), half(thread / kTeamRows),
          row(block * kTeamRows + thread % kTeamRows) {}
};

/// What the half steps of a table add to every row, in every lane of a warp.
__device__ inline float halfSteps(const StepResult& result, int sequence) {
    float total = 0;
    const int64_t first = static_cast<int64_t>(sequence) * result.input.blocks;
#pragma unroll 1
    for (int block = laneIndex(); block < result.input.blocks; block += kWarpLanes) {
        total = fmaf(result.input.scale[first + block], result.input.sum[first + block], total);
    }
    return sumWarp(total) / 2;
}

/// 1 / RMS of the vector that the products' input was made of; 1 where there was no norm.
__device__ inline float inverseRms(const FinishPhase& phase, int sequence) {
    if (phase.squares == nullptr) {
        return 1;
    }
    float total = 0;
#pragma unroll 1
    for (int block = laneIndex(); block < phase.squareBlocks; block += kWarpLanes) {
        total += phase.squares[sequence * phase.squareBlocks + block];
    }
    return rsqrtf(sumWarp(total) / static_cast<float>(phase.normSize) + phase.epsilon);
}

/// reduced[i] = R x of rank index first + i, all scales in it; by a warp: four lanes an index.
__device__ inline void gatherReduced(const StepResult& result, int sequence, int first, int count,
                                     int warp, int warps, float* reduced) {
    constexpr int kLanes = 4;
    constexpr int kIndices = kWarpLanes / kLanes;
    const float* parts =
        result.reduced + static_cast<int64_t>(sequence) * result.reducedSplits * result.rank;
#pragma unroll 1
    for (int i = warp * kIndices + laneIndex() % kIndices; i < count; i += warps * kIndices) {
        float sum = 0;
#pragma unroll 8
        for (int split = laneIndex() / kIndices; split < result.reducedSplits; split += kLanes) {
            sum += parts[split * result.rank + first + i];
        }
        sum += __shfl_xor_sync(kAllLanes, sum, kIndices);
        sum += __shfl_xor_sync(kAllLanes, sum, 2 * kIndices);
        reduced[i] = sum * result.factorScale[first + i];
    }
}

/// Rank indices [first, first + count) of one row of L times the reduced vector; count is a
/// multiple of 8.
__device__ inline float multiplyLeft(const StepResult& result, int row, int first, int count,
                                     const float* reduced) {
    const float* levels = stepMemory().levels;
    float sum = 0;
    const int64_t at = static_cast<int64_t>(row) * result.rank + first;
    if (result.leftStorage == StepStorage::Lloyd4) {
        const auto* words = reinterpret_cast<const uint32_t*>(result.left + at / 2);
#pragma unroll 1
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
#pragma unroll 2
    for (int i = 0; i < count; ++i) {
        sum = fmaf(__half2float(values[i]), reduced[i], sum);
    }
    return sum;
}

/// Every `stride`-th part of a row from `first` on, summed and scaled.
__device__ inline float sumParts(const StepResult& result, int sequence, int row, int first,
                                 int stride, float steps) {
    const float* part =
        result.partial + static_cast<int64_t>(sequence) * result.splits * result.paddedRows + row;
    const float scale = result.scale != nullptr ? result.scale[row / 16] : 1;
    float sum = steps;
#pragma unroll 4
    for (int split = first; split < result.splits; split += stride) {
        sum += part[static_cast<int64_t>(split) * result.paddedRows];
    }
    return sum * scale;
}

/// value[half][row]: the row's sums before rotation. Where there are two results (gate and up) a
/// half of the team has each; else each half has half of the parts and of the rank.
__device__ inline void sumRowsOfTeam(const FinishPhase& phase, const StepResult& result,
                                     bool isPair, int sequence, const TeamPlace& place,
                                     TeamMemory& memory) {
    const int stride = isPair ? 1 : 2;
    const int first = isPair ? 0 : place.half;
    const bool isRow = place.row < result.rows;
    const float steps = result.halfSteps != 0 && first == 0 ? halfSteps(result, sequence) : 0;
    float sum = isRow ? sumParts(result, sequence, place.row, first, stride, steps) : 0;
    const int rank = isPair ? max(phase.results[0].rank, phase.results[1].rank) : result.rank;
#pragma unroll 1
    for (int from = 0; from < rank; from += kTeamRank) { // the same turns for both halves
        const int count = max(0, min(kTeamRank, result.rank - from));
        syncTeam();
        float* reduced = memory.reduced[isPair ? place.half : 0];
        gatherReduced(result, sequence, from, count,
                      (isPair ? place.thread % kTeamRows : place.thread) / kWarpLanes,
                      (isPair ? kTeamRows : kTeamThreads) / kWarpLanes, reduced);
        syncTeam();
        if (isRow) { // count is a multiple of 16
            const int part = count / stride;
            sum +=
                multiplyLeft(result, place.row, from + first * part, part, reduced + first * part);
        }
    }
    memory.value[place.half][place.thread % kTeamRows] = sum;
}

/// What a warp needs to rotate 128 rows back; loaded before their sums are known.
struct OutputFactors {
    float4 sign;
    float4 bias;

    __device__ OutputFactors(const StepResult& result, int block) {
        const int first = firstElement(block);
        sign = times(loadFour(result.sign, first, result.rows, 1),
                     loadFour(result.rowScale, first, result.rows, 1));
        bias = loadFour(result.bias, first, result.rows, 0);
    }
};

/// The values of 128 rows, 0 beyond the end, from their sums.
__device__ inline float4 rotateBack(const StepResult& result, const OutputFactors& factors,
                                    int sequence, int block, float4 sum) {
    const int first = firstElement(block);
    float4 value = plus(times(hadamard(sum, result.block), factors.sign), factors.bias);
    const int count = result.rows - first; // real rows of the lane
    value = {count > 0 ? value.x : 0, count > 1 ? value.y : 0, count > 2 ? value.z : 0,
             count > 3 ? value.w : 0};
    if (result.values != nullptr && count > 0) {
        storeFour(result.values + static_cast<int64_t>(sequence) * result.rows, first, result.rows,
                  value);
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
__device__ inline void finishBlock(const FinishPhase& phase, const StepResult& result, int sequence,
                                   int block, TeamMemory& memory) {
    const TeamPlace place(block);
    const bool isPair = phase.kind == FinishKind::SwiGlu;
    const bool isResidual = phase.kind == FinishKind::Residual;
    // Loads for the first warp's part, before the others have their sums. Blocks beyond the
    // vectors' ends load nothing.
    const bool isFirstWarp = place.thread < kWarpLanes;
    const int loaded = isFirstWarp ? block : kNoBlock;
    const OutputFactors factors(result, loaded);
    const OutputFactors upFactors(phase.results[1], isPair ? loaded : kNoBlock);
    const InputFactors next(phase.next, isPair || isResidual ? loaded : kNoBlock);
    float* own = phase.hidden + static_cast<int64_t>(sequence) * result.rows;
    const int first = firstElement(loaded);
    const float4 hidden = loadFour(isResidual ? own : nullptr, first, result.rows, 0);
    const float inverse = isFirstWarp ? inverseRms(phase, sequence) : 1;
    sumRowsOfTeam(phase, isPair ? phase.results[place.half] : result, isPair, sequence, place,
                  memory);
    syncTeam();
    if (isFirstWarp) {
        const float4 sum = isPair ? sumsOf(memory, 0) : plus(sumsOf(memory, 0), sumsOf(memory, 1));
        float4 value = rotateBack(result, factors, sequence, block, times(sum, all(inverse)));
        if (isPair) {
            const float4 up = rotateBack(phase.results[1], upFactors, sequence, block,
                                         times(sumsOf(memory, 1), all(inverse)));
            value = {gated(value.x, up.x), gated(value.y, up.y), gated(value.z, up.z),
                     gated(value.w, up.w)};
        }
        if (isResidual) {
            value = plus(value, hidden);
            if (first < result.rows) {
                storeFour(own, first, result.rows, value);
            }
        }
        if (isPair || isResidual) {
            storeInput(phase.next, sequence, block, value, next.norm, next.sign);
        }
    }
    syncTeam();
}

/// Blocks of 128 rows of all results, sequence by sequence, over the teams of all thread blocks.
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
        int block = unit % blocks;
        int result = 0; // of gate and up, the gate
        while (block >= blocksOf(phase.results[result].rows)) {
            block -= blocksOf(phase.results[result].rows);
            ++result;
        }
        finishBlock(phase, phase.results[result], unit / blocks, block, memory);
    }
}

} // namespace caldera::kernels::step
