// Phases of one warp a block of 128 elements: embeddings, and the parts of attention joined.
#pragma once

#include "kernels/step/attend.cuh"
#include "kernels/step/items.cuh"
#include "kernels/step/stored.cuh"
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
__device__ __noinline__ void runEmbed() {
    beginPhase();
    const EmbedPhase& phase = currentPhase().embed;
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

/// Four neighbouring elements of the heads' output from `count` parts. They are of one head, for
/// head sizes are multiples of 8. All loads are under way together.
__device__ inline float4 combinedFour(const CombinePhase& phase, int sequence, int i, int count) {
    if (i >= phase.next.size) {
        return all(0);
    }
    const AttentionParts& parts = phase.parts;
    const int ofSequence = quotient(i, phase.headSize);
    const int64_t head = static_cast<int64_t>(sequence) * phase.heads + ofSequence;
    const int64_t first = head * kAttentionParts;
    const float* sums = parts.sum + first * phase.headSize + i - ofSequence * phase.headSize;
    float4 sum[kAttentionParts];
#pragma unroll
    for (int part = 0; part < kAttentionParts; ++part) {
        sum[part] = all(0);
        if (part < count) {
            sum[part] = *reinterpret_cast<const float4*>(sums + part * phase.headSize);
        }
    }
    float largest[kAttentionParts];
    float weights[kAttentionParts];
#pragma unroll
    for (int part = 0; part < kAttentionParts; part += 4) {
        const float4 four = *reinterpret_cast<const float4*>(parts.largest + first + part);
        const float4 weight = *reinterpret_cast<const float4*>(parts.weight + first + part);
        const float ofLargest[4] = {four.x, four.y, four.z, four.w};
        const float ofWeight[4] = {weight.x, weight.y, weight.z, weight.w};
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            largest[part + i] = part + i < count ? ofLargest[i] : -INFINITY;
            weights[part + i] = part + i < count ? ofWeight[i] : 0;
        }
    }
    float most = largest[0];
#pragma unroll
    for (int part = 1; part < kAttentionParts; ++part) {
        most = fmaxf(most, largest[part]);
    }
    float4 total = all(0);
    float weight = 0;
#pragma unroll
    for (int part = 0; part < kAttentionParts; ++part) {
        const float factor = __expf(largest[part] - most); // 0 beyond the last
        total = plus(total, times(all(factor), sum[part]));
        weight = fmaf(factor, weights[part], weight);
    }
    return times(total, all(__fdividef(1, weight)));
}

template <bool kEven>
__device__ __noinline__ void runCombine(int place) {
    const CombinePhase phase = phaseAt(place).combine; // read at once
    beginPhase();
    forBlocks(stepMemory().state.count, blocksOf(phase.next.size), [&](int sequence, int block) {
        const InputFactors factors = InputFactors::load<kEven>(phase.next, block);
        const float4 value =
            combinedFour(phase, sequence, firstElement(block), stepMemory().parts[sequence]);
        storeInput<kEven>(phase.next, sequence, block, value, factors);
    });
}

} // namespace caldera::kernels::step
