// Attention of one new token a sequence over the paged cache. A thread block has one key head of
// one sequence and a part of its context; parts are joined by the phase after it.
#pragma once

#include "kernels/step/memory.cuh"
#include "kernels/step/stored.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// Pages of a part: parts depend on a sequence's own length only, so that its sums do, too.
__device__ inline int pagesOfPart(int length) {
    const int pages = (length + kPageTokens - 1) / kPageTokens;
    return (pages + kAttentionParts - 1) / kAttentionParts;
}

__device__ inline int partsOf(int length) {
    const int pages = (length + kPageTokens - 1) / kPageTokens;
    const int each = pagesOfPart(length);
    return (pages + each - 1) / each;
}

/// Turns neighbouring heads [heads, headSize] by their position's angle: i with i + half. Thread
/// `thread` of `threads` has some of the pairs.
__device__ __noinline__ void rotateHeads(const AttendPhase& phase, const float* from, int heads,
                                         int position, int thread, int threads, float* to) {
    const int half = phase.headSize / 2;
    const int64_t angles = static_cast<int64_t>(position) * half;
#pragma unroll 1
    for (int pair = thread; pair < heads * half; pair += threads) {
        const int i = pair % half;
        const int at = pair / half * phase.headSize + i;
        const float cosine = phase.cosines[angles + i];
        const float sine = phase.sines[angles + i];
        const float a = from[at];
        const float b = from[at + half];
        to[at] = a * cosine - b * sine;
        to[at + half] = b * cosine + a * sine;
    }
}

/// Which keys a thread block has.
struct AttendUnit {
    int sequence;
    int kvHead;
    int part;
    int position; ///< of the new token
    const int32_t* pages;

    /// The place of a page's first token in arrays [pages, kvHeads, kPageTokens].
    __device__ int64_t place(const AttendPhase& phase, int page) const {
        return (static_cast<int64_t>(pages[page]) * phase.kvHeads + kvHead) * kPageTokens;
    }
};

/// Not inlined: two warps call it, and its code is fetched once.
__device__ __noinline__ void storeCached(const StepCache& cache, void* to, float* scales,
                                         int64_t place, int size, const float* value) {
    storeVector(cache, to, scales, place, size, value);
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
__device__ __noinline__ void stageChunk(const AttendPhase& phase, int64_t place, int tokens,
                                        int buffer) {
    const int vectorBytes = phase.headSize * phase.cache.bits / 8;
    const int bytes = tokens * vectorBytes;
    const char* keys = static_cast<const char*>(phase.cache.keys) + place * vectorBytes;
    const char* values = static_cast<const char*>(phase.cache.values) + place * vectorBytes;
    char* to = cacheMemory(buffer);
#pragma unroll 1
    for (int i = 16 * static_cast<int>(threadIdx.x); i < bytes; i += 16 * kStepThreads) {
        copyLater(to + i, keys + i);
        copyLater(to + bytes + i, values + i);
    }
    commitCopies();
}

/// Eight neighbouring elements of a cached vector in shared memory, without its scale.
__device__ inline void loadCached(int bits, const char* from, int element, float (&out)[8]) {
    if (bits == 16) {
        const uint4 all = *reinterpret_cast<const uint4*>(from + 2 * element);
        const uint32_t words[4] = {all.x, all.y, all.z, all.w};
#pragma unroll
        for (int i = 0; i < 8; ++i) {
            out[i] =
                __half2float(__ushort_as_half(static_cast<uint16_t>(words[i / 2] >> (i % 2 * 16))));
        }
        return;
    }
    const uint2 all = *reinterpret_cast<const uint2*>(from + element);
    const uint32_t words[2] = {all.x, all.y};
#pragma unroll
    for (int i = 0; i < 8; ++i) {
        out[i] = static_cast<float>(static_cast<int8_t>(words[i / 4] >> (i % 4 * 8)));
    }
}

/// The new key and value go into their page; its thread block is the only one that reads them in
/// this step.
__device__ inline void storeNew(const AttendPhase& phase, const AttendUnit& unit, float* scratch) {
    const int size = phase.headSize;
    const int64_t head = static_cast<int64_t>(unit.sequence) * phase.kvHeads + unit.kvHead;
    const int64_t place =
        unit.place(phase, unit.position / kPageTokens) + unit.position % kPageTokens;
    const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
    if (warp == 0) {
        rotateHeads(phase, phase.keys + head * size, 1, unit.position, laneIndex(), kWarpLanes,
                    scratch);
        __syncwarp();
        storeCached(phase.cache, phase.cache.keys, phase.cache.keyScale, place, size, scratch);
    } else if (warp == 1) {
        storeCached(phase.cache, phase.cache.values, phase.cache.valueScale, place, size,
                    phase.values + head * size);
    }
}

/// A chunk of a page: its first token's position and place in the cache.
struct AttendChunk {
    int position;
    int tokens;
    int64_t place;
    const char* keys; ///< in shared memory; the values follow

    __device__ const char* values(const AttendPhase& phase) const {
        return keys + tokens * phase.headSize * phase.cache.bits / 8;
    }
};

/// score[head][token] of a chunk; tokens beyond the position get none. Eight lanes have a token.
__device__ inline void scoreChunk(const AttendPhase& phase, const AttendUnit& unit,
                                  const AttendChunk& chunk, AttendMemory& memory) {
    constexpr int kLanes = 8;
    const int sharing = phase.heads / phase.kvHeads;
    const int size = phase.headSize;
    const int lane = static_cast<int>(threadIdx.x) % kLanes;
    const int token = static_cast<int>(threadIdx.x) / kLanes;
    static_assert(kStepThreads / kLanes >= kPageTokens);
    if (token >= chunk.tokens) { // whole warps: a chunk has a multiple of four tokens
        return;
    }
    const bool isSeen = chunk.position + token <= unit.position;
    float scale = rsqrtf(static_cast<float>(size));
    if (phase.cache.bits == 8) {
        scale *= phase.cache.keyScale[chunk.place + token];
    }
#pragma unroll 1
    for (int head = 0; head < sharing; ++head) {
        float sum = 0;
#pragma unroll 1
        for (int i = lane * 8; i < size; i += kLanes * 8) {
            float key[8];
            loadCached(phase.cache.bits, chunk.keys, token * size + i, key);
            const auto* query = reinterpret_cast<const float4*>(memory.queries + head * size + i);
            const float4 low = query[0];
            const float4 high = query[1];
            sum += key[0] * low.x + key[1] * low.y + key[2] * low.z + key[3] * low.w +
                   key[4] * high.x + key[5] * high.y + key[6] * high.z + key[7] * high.w;
        }
        for (int distance = kLanes / 2; distance > 0; distance /= 2) {
            sum += __shfl_xor_sync(kAllLanes, sum, distance);
        }
        if (lane == 0) {
            memory.score[head][token] = isSeen ? sum * scale : -INFINITY;
        }
    }
}

/// Scores become exponentials relative to the largest so far; one warp a head.
__device__ inline void weighChunk(int sharing, int tokens, AttendMemory& memory) {
#pragma unroll 1
    for (int head = static_cast<int>(threadIdx.x) / kWarpLanes; head < sharing;
         head += kStepThreads / kWarpLanes) {
        float* score = memory.score[head];
        const int lane = laneIndex();
        const float before = memory.largest[head];
        float own[2];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            const int token = lane + i * kWarpLanes;
            own[i] = token < tokens ? score[token] : -INFINITY;
        }
        const float largest = fmaxf(before, largestOfWarp(fmaxf(own[0], own[1])));
        float sum = 0;
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            own[i] = __expf(own[i] - largest);
            score[lane + i * kWarpLanes] = own[i]; // 0 beyond the chunk
            sum += own[i];
        }
        sum = sumWarp(sum);
        if (lane == 0) {
            const float rescale = __expf(before - largest); // 0 at first
            memory.rescale[head] = rescale;
            memory.weight[head] = memory.weight[head] * rescale + sum;
            memory.largest[head] = largest;
        }
    }
}

__device__ inline float2 cachedPair(int bits, const char* from, int element) {
    if (bits == 16) {
        return __half22float2(*reinterpret_cast<const __half2*>(from + 2 * element));
    }
    const char2 pair = *reinterpret_cast<const char2*>(from + element);
    return {static_cast<float>(pair.x), static_cast<float>(pair.y)};
}

/// Adds the values of a chunk's first tokens to the sums. A thread has pairs of elements.
__device__ inline void addChunk(const AttendPhase& phase, const AttendChunk& chunk, int tokens,
                                AttendMemory& memory) {
    const int pairs = phase.headSize / 2;
    const int count = phase.heads / phase.kvHeads * pairs;
    const char* values = chunk.values(phase);
#pragma unroll 1
    for (int pair = static_cast<int>(threadIdx.x); pair < count; pair += kStepThreads) {
        const int head = pair / pairs;
        const int element = pair % pairs * 2;
        const float rescale = memory.rescale[head];
        float2 sum = memory.sums[pair];
        sum = {sum.x * rescale, sum.y * rescale};
        const float* weights = memory.score[head];
#pragma unroll 4
        for (int token = 0; token < tokens; ++token) {
            const float2 value =
                cachedPair(phase.cache.bits, values, token * phase.headSize + element);
            sum.x = fmaf(weights[token], value.x, sum.x);
            sum.y = fmaf(weights[token], value.y, sum.y);
        }
        memory.sums[pair] = sum;
    }
}

/// Weights of int8 values take their scales.
__device__ inline void scaleWeights(const AttendPhase& phase, const AttendChunk& chunk,
                                    int position, AttendMemory& memory) {
    const int sharing = phase.heads / phase.kvHeads;
#pragma unroll 1
    for (int i = static_cast<int>(threadIdx.x); i < sharing * chunk.tokens; i += kStepThreads) {
        const int token = i % chunk.tokens;
        const bool isSeen = chunk.position + token <= position;
        memory.score[i / chunk.tokens][token] *=
            isSeen ? phase.cache.valueScale[chunk.place + token] : 0;
    }
}

__device__ inline void storePart(const AttendPhase& phase, const AttendUnit& unit,
                                 const AttendMemory& memory) {
    const int pairs = phase.headSize / 2;
    const int sharing = phase.heads / phase.kvHeads;
    const int64_t firstHead =
        static_cast<int64_t>(unit.sequence) * phase.heads + unit.kvHead * sharing;
    auto* to = reinterpret_cast<float2*>(phase.parts.sum);
#pragma unroll 1
    for (int pair = static_cast<int>(threadIdx.x); pair < sharing * pairs; pair += kStepThreads) {
        const int64_t part = (firstHead + pair / pairs) * kAttentionParts + unit.part;
        to[part * pairs + pair % pairs] = memory.sums[pair];
    }
    if (static_cast<int>(threadIdx.x) < sharing) {
        const int64_t part = (firstHead + threadIdx.x) * kAttentionParts + unit.part;
        phase.parts.largest[part] = memory.largest[threadIdx.x];
        phase.parts.weight[part] = memory.weight[threadIdx.x];
    }
}

/// What a part begins with: the new token's key and value, rotated queries, empty sums.
__device__ inline void beginPart(const AttendPhase& phase, const AttendUnit& unit, bool hasNew,
                                 AttendMemory& memory) {
    const int size = phase.headSize;
    const int sharing = phase.heads / phase.kvHeads;
    if (hasNew) {
        storeNew(phase, unit, &memory.score[0][0]);
    }
    const int64_t firstHead =
        static_cast<int64_t>(unit.sequence) * phase.heads + unit.kvHead * sharing;
    rotateHeads(phase, phase.queries + firstHead * size, sharing, unit.position,
                static_cast<int>(threadIdx.x), kStepThreads, memory.queries);
#pragma unroll 1
    for (int i = static_cast<int>(threadIdx.x); i < sharing * size / 2; i += kStepThreads) {
        memory.sums[i] = {0, 0};
    }
    if (static_cast<int>(threadIdx.x) < sharing) {
        memory.largest[threadIdx.x] = -INFINITY;
        memory.weight[threadIdx.x] = 0;
    }
}

__device__ inline void attendUnit(const AttendPhase& phase, const AttendUnit& unit,
                                  AttendMemory& memory) {
    const int length = unit.position + 1;
    const int each = pagesOfPart(length);
    const int first = unit.part * each * kPageTokens;
    const int end = min(first + each * kPageTokens, length);
    const int tokens = tokensOfChunk(phase);
    const auto place = [&](int position) {
        return unit.place(phase, position / kPageTokens) + position % kPageTokens;
    };
    __syncthreads();
    const bool hasNew = end == length;
    // The chunk with the new token is read after that was written.
    const bool isEarly = !hasNew || first + tokens < length;
    if (isEarly) {
        stageChunk(phase, place(first), tokens, 0);
    }
    beginPart(phase, unit, hasNew, memory);
    if (!isEarly) {
        __syncthreads();
        stageChunk(phase, place(first), tokens, 0);
    }
    int buffer = 0;
#pragma unroll 1
    for (int position = first; position < end; position += tokens) {
        waitForCopies();
        __syncthreads();
        const AttendChunk chunk{position, tokens, place(position), cacheMemory(buffer)};
        if (position + tokens < end) {
            buffer = (buffer + 1) % kCacheBuffers;
            if (kCacheBuffers > 1) {
                stageChunk(phase, place(position + tokens), tokens, buffer);
            }
        }
        scoreChunk(phase, unit, chunk, memory);
        __syncthreads();
        weighChunk(phase.heads / phase.kvHeads, tokens, memory);
        __syncthreads();
        if (phase.cache.bits == 8) {
            scaleWeights(phase, chunk, unit.position, memory);
            __syncthreads();
        }
        // Memory behind the last token may hold anything.
        addChunk(phase, chunk, min(tokens, length - position), memory);
        if (kCacheBuffers == 1 && position + tokens < end) {
            __syncthreads();
            stageChunk(phase, place(position + tokens), tokens, buffer);
        }
    }
    storePart(phase, unit, memory);
}

/// Parts of all sequences and key heads over the thread blocks.
__device__ __noinline__ void runAttend() {
    const AttendPhase& phase = currentPhase().attend;
    const StepState& state = stepMemory().state;
    AttendMemory& memory = stepMemory().attend;
    int unit = static_cast<int>(blockIdx.x);
#pragma unroll 1
    for (int sequence = 0; sequence < state.count; ++sequence) {
        const int parts = partsOf(state.position[sequence] + 1);
        const int units = parts * phase.kvHeads;
#pragma unroll 1
        for (; unit < units; unit += static_cast<int>(gridDim.x)) {
            attendUnit(
                phase,
                {sequence, unit / parts, unit % parts, state.position[sequence],
                 phase.pages + static_cast<int64_t>(state.slot[sequence]) * phase.tableWidth},
                memory);
        }
        unit -= units;
    }
}

/// The numbers of all parts of a head.
struct PartNumbers {
    float part[kAttentionParts];

    __device__ explicit PartNumbers(const float* from) {
#pragma unroll
        for (int i = 0; i < kAttentionParts; i += 4) {
            const float4 four = *reinterpret_cast<const float4*>(from + i);
            part[i] = four.x;
            part[i + 1] = four.y;
            part[i + 2] = four.z;
            part[i + 3] = four.w;
        }
    }
};

/// Four neighbouring elements of the heads' output from their parts. They are of one head, for head
/// sizes are multiples of 8. All loads are under way together.
__device__ __noinline__ float4 combinedFour(const CombinePhase& phase, int sequence, int i,
                                            int count) {
    if (i >= phase.next.size) {
        return all(0);
    }
    const AttentionParts& parts = phase.parts;
    const int64_t head = static_cast<int64_t>(sequence) * phase.heads + i / phase.headSize;
    const int64_t first = head * kAttentionParts;
    const PartNumbers largest(parts.largest + first);
    const PartNumbers weights(parts.weight + first);
    const float* sums = parts.sum + first * phase.headSize + i % phase.headSize;
    float4 sum[kAttentionParts];
    float most = -INFINITY;
#pragma unroll
    for (int part = 0; part < kAttentionParts; ++part) {
        sum[part] =
            part < count ? *reinterpret_cast<const float4*>(sums + part * phase.headSize) : all(0);
        most = part < count ? fmaxf(most, largest.part[part]) : most;
    }
    float4 total = all(0);
    float weight = 0;
#pragma unroll
    for (int part = 0; part < kAttentionParts; ++part) {
        const float factor = part < count ? __expf(largest.part[part] - most) : 0;
        total = plus(total, times(all(factor), sum[part]));
        weight = part < count ? fmaf(factor, weights.part[part], weight) : weight;
    }
    return times(total, all(1 / weight));
}

/// Joins the parts of 128 neighbouring elements of all heads' output.
__device__ inline void combineBlock(const CombinePhase& phase, int sequence, int block, int parts) {
    const InputFactors factors(phase.next, block);
    const int first = firstElement(block);
    const float4 value = combinedFour(phase, sequence, first, parts);
    storeInput(phase.next, sequence, block, value, factors.norm, factors.sign);
}

} // namespace caldera::kernels::step
