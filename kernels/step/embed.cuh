// Embeddings, and the parts of attention joined: a block of 128 elements by a warp or a team.
#pragma once

#include "kernels/step/attend.cuh"
#include "kernels/step/items.cuh"
#include "kernels/step/stored.cuh"
#include "kernels/step/team.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// Element i of a row of the table.
__device__ __noinline__ float embeddingValue(const EmbedPhase& phase, int64_t row, int i) {
    return tableValue(phase, row, i) * tableScale(phase, row);
}

/// Elements i ... i + 3; 0 beyond the row.
template <bool kEven>
__device__ inline float4 embeddingFour(const EmbedPhase& phase, int64_t row, int i) {
    if (kEven && phase.storage == StepStorage::Float16 && i < phase.columns) {
        return fromHalves(*reinterpret_cast<const uint2*>(
            reinterpret_cast<const __half*>(phase.rows) + row * phase.columns + i));
    }
    return loadSome(phase.columns - i, 0,
                    [&](int own) { return embeddingValue(phase, row, i + own); });
}

/// Calls work(sequence, block) once for every sequence and block of 128, each by a warp.
template <class Work>
__device__ inline void forBlocks(int sequences, int blocks, const Work& work) {
    for (int unit = firstTicket(); unit < sequences * blocks; unit += ticketStride()) {
        const int sequence = quotient(unit, blocks);
        work(sequence, unit - sequence * blocks);
    }
}

template <bool kEven>
__device__ __noinline__ void runEmbed(int place) {
    beginPhase();
    const EmbedPhase& phase = phaseAt(place).embed;
    const StepState& state = stepMemory().state;
    forBlocks(state.count, blocksOf(phase.columns), [&](int sequence, int block) {
        const InputFactors factors = InputFactors::load<kEven>(phase.next, block);
        const int first = firstElement(block);
        const float4 value = embeddingFour<kEven>(phase, state.token[sequence], first);
        storeFour<kEven>(phase.hidden + static_cast<int64_t>(sequence) * phase.columns, first,
                         phase.columns, value);
        storeInput<kEven>(phase.next, sequence, block, value, factors);
    });
}

/// What the parts of a head's context are multiplied by, and what their sum is divided by.
struct PartWeights {
    float largest[kAttentionParts];
    float weight[kAttentionParts];
    float most;

    /// Of `count` parts of a head of a sequence.
    __device__ PartWeights(const AttentionParts& parts, int64_t head, int count) {
        const int64_t first = head * kAttentionParts;
#pragma unroll
        for (int part = 0; part < kAttentionParts; part += 4) {
            const float4 score = *reinterpret_cast<const float4*>(parts.largest + first + part);
            const float4 sum = *reinterpret_cast<const float4*>(parts.weight + first + part);
            const float scores[4] = {score.x, score.y, score.z, score.w};
            const float sums[4] = {sum.x, sum.y, sum.z, sum.w};
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                largest[part + i] = part + i < count ? scores[i] : -INFINITY;
                weight[part + i] = part + i < count ? sums[i] : 0;
            }
        }
        most = largest[0];
#pragma unroll
        for (int part = 1; part < kAttentionParts; ++part) {
            most = fmaxf(most, largest[part]);
        }
    }

    /// The largest scores of a warp's two parts. They are not indexed, for arrays of registers
    /// cannot be.
    __device__ float2 ofWarp(int warp) const {
        constexpr int kWarps = kAttentionParts / 2;
        float2 own = {-INFINITY, -INFINITY};
#pragma unroll
        for (int part = 0; part < kWarps; ++part) {
            own = {part == warp ? largest[part] : own.x,
                   part == warp ? largest[part + kWarps] : own.y};
        }
        return own;
    }

    __device__ float inverse() const {
        float sum = 0;
#pragma unroll
        for (int part = 0; part < kAttentionParts; ++part) {
            sum = fmaf(__expf(largest[part] - most), weight[part], sum); // 0 beyond the last
        }
        return __fdividef(1, sum);
    }
};

/// The sums that a team's warps make of their parts: [warps, lanes].
__device__ inline float4* combinedSums(TeamMemory& memory) {
    static_assert(sizeof(memory.vectors) >= kTeamThreads * sizeof(float4));
    return reinterpret_cast<float4*>(memory.vectors);
}

/// Of what all warps of a team have put there.
__device__ __forceinline__ float4 totalOfWarps(TeamMemory& memory) {
    float4 total = all(0);
#pragma unroll
    for (int i = 0; i < kTeamThreads / kWarpLanes; ++i) {
        total = plus(total, combinedSums(memory)[i * kWarpLanes + laneIndex()]);
    }
    return total;
}

/// A block of 128 elements of the heads' output by a team, each warp some of the parts.
template <bool kEven>
__device__ inline void combineBlock(const CombinePhase& phase, int sequence, int block,
                                    TeamMemory& memory) {
    constexpr int kWarps = kTeamThreads / kWarpLanes;
    static_assert(kAttentionParts == 2 * kWarps);
    const int warp = warpIndex() % kWarps;
    const int first = firstElement(block);
    const bool isThere = first < phase.next.size;
    // Four neighbouring elements are of one head, for head sizes are multiples of 8.
    const int ofSequence = quotient(isThere ? first : 0, phase.headSize);
    const int64_t head = static_cast<int64_t>(sequence) * phase.heads + ofSequence;
    const int count = stepMemory().parts[sequence];
    const float* sums = phase.parts.sum + head * kAttentionParts * phase.headSize + first -
                        ofSequence * phase.headSize;
    float4 sum[2] = {};
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        const int part = warp + i * kWarps;
        if (isThere && part < count) {
            sum[i] = *reinterpret_cast<const float4*>(sums + part * phase.headSize);
        }
    }
    const PartWeights weights(phase.parts, head, count);
    const float2 own = weights.ofWarp(warp);
    combinedSums(memory)[threadNumber() % kTeamThreads] =
        plus(times(all(__expf(own.x - weights.most)), sum[0]),
             times(all(__expf(own.y - weights.most)), sum[1]));
    const float inverse = weights.inverse();
    const InputFactors factors = InputFactors::load<kEven>(phase.next, block);
    syncTeam();
    if (warp > 0) {
        return;
    }
    const float4 total = totalOfWarps(memory);
    storeInput<kEven>(phase.next, sequence, block, isThere ? times(total, all(inverse)) : all(0),
                      factors);
}

template <bool kEven>
__device__ __noinline__ void runCombine(int place) {
    const CombinePhase phase = phaseAt(place).combine; // read at once
    const int blocks = blocksOf(phase.next.size);
    const int team = threadNumber() / kTeamThreads;
    beginPhase();
    forTeams(blocks * stepMemory().state.count, [&](int unit) {
        const int sequence = quotient(unit, blocks);
        combineBlock<kEven>(phase, sequence, unit - sequence * blocks, stepMemory().teams[team]);
    });
}

} // namespace caldera::kernels::step
