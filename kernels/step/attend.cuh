// Attention of one new token a sequence over the paged cache. A thread block has one key head of
// one sequence and a part of its context; parts are joined by the phase after it.
#pragma once

#include "kernels/step/attend_chunk.cuh"
#include "kernels/step/memory.cuh"
#include "kernels/step/stored.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// Parts of a sequence's context and the pages of each. They depend on its own length only, so that
/// its sums do, too.
__device__ inline void noteParts(int sequence) {
    const int pages = stepMemory().state.position[sequence] / kPageTokens + 1;
    const int each = (pages + kAttentionParts - 1) / kAttentionParts;
    stepMemory().partPages[sequence] = each;
    stepMemory().parts[sequence] = quotient(pages + each - 1, each);
}

/// Two numbers of a head, i and i + half, that turn by their position's angle: loaded first, turned
/// and stored later.
struct TurningPair {
    int at = -1; ///< of the first, in [heads, headSize]; -1: there is none
    float cosine, sine, first, second;

    __device__ TurningPair(const AttendPhase& phase, const float* from, int heads, int position,
                           int pair) {
        const int half = phase.headSize / 2;
        if (pair < heads * half) {
            const int head = quotient(pair, half);
            const int i = pair - head * half;
            const int64_t angle = static_cast<int64_t>(position) * half + i;
            at = head * phase.headSize + i;
            cosine = phase.cosines[angle];
            sine = phase.sines[angle];
            first = from[at];
            second = from[at + half];
        }
    }
    __device__ void store(const AttendPhase& phase, float* to) const {
        if (at >= 0) {
            to[at] = first * cosine - second * sine;
            to[at + phase.headSize / 2] = second * cosine + first * sine;
        }
    }
};

/// All pairs from a thread's first on.
__device__ inline void turnHeads(const AttendPhase& phase, const float* from, int heads,
                                 int position, int firstPair, int stride, float* to) {
#pragma unroll 1
    for (int pair = firstPair; pair < heads * phase.headSize / 2; pair += stride) {
        TurningPair(phase, from, heads, position, pair).store(phase, to);
    }
}

/// Tokens of a page whose keys and values are in shared memory together.
__device__ inline int tokensOfChunk(const AttendPhase& phase) {
    const int bytes = 2 * phase.headSize * phase.cache.bits / 8;
    int tokens = kPageTokens;
    while (tokens * bytes > kCacheBytes) {
        tokens /= 2;
    }
    return tokens;
}

/// Copies keys and values of a chunk to one of the buffers.
__device__ inline void stageChunk(const AttendPhase& phase, int64_t place, int tokens, int buffer) {
    const int vectorBytes = phase.headSize * phase.cache.bits / 8;
    const int bytes = tokens * vectorBytes;
    const char* keys = static_cast<const char*>(phase.cache.keys) + place * vectorBytes;
    const char* values = static_cast<const char*>(phase.cache.values) + place * vectorBytes;
    char* to = cacheMemory(buffer);
#pragma unroll 1
    for (int i = 16 * threadNumber(); i < bytes; i += 16 * kStepThreads) {
        copyLater(to + i, keys + i);
        copyLater(to + bytes + i, values + i);
    }
    commitCopies();
}

/// The new key and value go into their page and into the chunk, which was read before; their thread
/// block is the only one that needs them in this step.
__device__ inline void storeNew(const AttendPhase& phase, const AttendUnit& unit,
                                const AttendChunk& chunk, AttendMemory& memory) {
    const int size = phase.headSize;
    const int token = unit.position - chunk.position;
    const int at = token * size * phase.cache.bits / 8;
    if (warpIndex() == 0) {
        storeVector(phase.cache, phase.cache.keys, phase.cache.keyScale, chunk.place + token, size,
                    memory.newKey, chunk.keys + at);
    } else if (warpIndex() == 1) {
        storeVector(phase.cache, phase.cache.values, phase.cache.valueScale, chunk.place + token,
                    size, memory.newValue, chunk.values(phase) + at);
    }
}

/// What a part begins with besides its queries: the new token's key at its angle, empty sums.
__device__ inline void beginPart(const AttendPhase& phase, const AttendUnit& unit, bool hasNew,
                                 AttendMemory& memory) {
    if (hasNew) {
        const int size = phase.headSize;
        const int64_t head = static_cast<int64_t>(unit.sequence) * phase.kvHeads + unit.kvHead;
        if (warpIndex() == 0) {
            turnHeads(phase, phase.keys + head * size, 1, unit.position, laneIndex(), kWarpLanes,
                      memory.newKey);
        } else if (warpIndex() == 1) {
#pragma unroll 1
            for (int i = laneIndex(); i < size; i += kWarpLanes) {
                memory.newValue[i] = phase.values[head * size + i];
            }
        }
    }
    const int head = threadNumber();
    if (head < kMostSharing) {
        memory.largest[head] = -INFINITY;
        memory.weight[head] = 0;
        memory.rescale[head] = 0;
    }
}

template <int kHeads, int kSize>
__device__ inline void attendUnit(const AttendPhase& phase, const AttendUnit& unit,
                                  AttendMemory& memory) {
    const int length = unit.position + 1;
    const int each = stepMemory().partPages[unit.sequence];
    const int first = unit.part * each * kPageTokens;
    const int end = min(first + each * kPageTokens, length);
    const int tokens = tokensOfChunk(phase);
    const auto place = [&](int position) {
        return unit.place(phase, position / kPageTokens) + position % kPageTokens;
    };
    // Queries are under way before the many bytes of the cache, which would delay them. What the
    // cache holds behind the last token may be anything.
    const int sharing = phase.heads / phase.kvHeads;
    const float* queries = phase.queries + (static_cast<int64_t>(unit.sequence) * phase.heads +
                                            unit.kvHead * sharing) *
                                               phase.headSize;
    const TurningPair pair(phase, queries, sharing, unit.position, threadNumber());
    stageChunk(phase, place(first), tokens, 0);
    pair.store(phase, memory.queries);
    turnHeads(phase, queries, sharing, unit.position, threadNumber() + kStepThreads, kStepThreads,
              memory.queries);
    beginPart(phase, unit, end == length, memory);
    ValueSums<kHeads> sums(phase);
    int buffer = 0;
#pragma unroll 1
    for (int position = first; position < end; position += tokens) {
        waitForCopies();
        __syncthreads();
        const AttendChunk chunk{position, tokens, place(position), cacheMemory(buffer)};
        if (chunk.has(unit.position)) {
            storeNew(phase, unit, chunk, memory);
            __syncthreads();
        }
        if (position + tokens < end) {
            buffer = (buffer + 1) % kCacheBuffers;
            if (kCacheBuffers > 1) {
                stageChunk(phase, place(position + tokens), tokens, buffer);
            }
        }
        scoreChunk<kSize>(phase, unit, chunk, memory);
        __syncthreads();
        weighChunk(phase, chunk, memory);
        __syncthreads();
        sums.add(phase, chunk, min(tokens, length - position), memory);
        if (kCacheBuffers == 1 && position + tokens < end) {
            __syncthreads();
            stageChunk(phase, place(position + tokens), tokens, buffer);
        }
    }
    sums.store(phase, unit, memory);
    __syncthreads(); // the memory is no longer read
}

/// Parts of all sequences and key heads over the thread blocks; for at most kHeads query heads of a
/// key head, of at most kSize numbers.
template <int kHeads, int kSize>
__device__ __noinline__ void attendUnits() {
    const AttendPhase& phase = currentPhase().attend;
    const StepState& state = stepMemory().state;
    int unit = static_cast<int>(blockIdx.x);
#pragma unroll 1
    for (int sequence = 0; sequence < state.count; ++sequence) {
        const int parts = stepMemory().parts[sequence];
        const int units = parts * phase.kvHeads;
#pragma unroll 1
        for (; unit < units; unit += static_cast<int>(gridDim.x)) {
            const int kvHead = quotient(unit, parts);
            attendUnit<kHeads, kSize>(
                phase,
                {sequence, kvHead, unit - kvHead * parts, state.position[sequence],
                 phase.pages + static_cast<int64_t>(state.slot[sequence]) * phase.tableWidth},
                stepMemory().attend);
        }
        unit -= units;
    }
}

__device__ inline void runAttend() {
    const AttendPhase& phase = currentPhase().attend;
    if (phase.heads <= kHeadsTogether * phase.kvHeads && phase.headSize <= kMostHeadSize / 2) {
        attendUnits<kHeadsTogether, kMostHeadSize / 2>();
    } else {
        attendUnits<kMostSharing, kMostHeadSize>();
    }
}

} // namespace caldera::kernels::step
