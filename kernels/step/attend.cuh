// Attention of one new token a sequence over the paged cache. A thread block has one key head of
// one sequence and a part of its context; parts are joined by the phase after it.
#pragma once

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

/// Four neighbouring elements of a cached vector in shared memory, without its scale.
__device__ inline float4 cachedFour(int bits, const char* from, int element) {
    if (bits == 16) {
        return fromHalves(*reinterpret_cast<const uint2*>(from + 2 * element));
    }
    const char4 four = *reinterpret_cast<const char4*>(from + element);
    return {static_cast<float>(four.x), static_cast<float>(four.y), static_cast<float>(four.z),
            static_cast<float>(four.w)};
}

__device__ inline float2 cachedPair(int bits, const char* from, int element) {
    if (bits == 16) {
        return __half22float2(*reinterpret_cast<const __half2*>(from + 2 * element));
    }
    const char2 pair = *reinterpret_cast<const char2*>(from + element);
    return {static_cast<float>(pair.x), static_cast<float>(pair.y)};
}

/// A chunk of a page: its first token's position and place in the cache.
struct AttendChunk {
    int position;
    int tokens;
    int64_t place;
    char* keys; ///< in shared memory; the values follow

    __device__ char* values(const AttendPhase& phase) const {
        return keys + tokens * phase.headSize * phase.cache.bits / 8;
    }
    __device__ bool has(int token) const { return token >= position && token < position + tokens; }
};

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

/// Heads whose scores or sums a thread works out together.
inline constexpr int kHeadsTogether = 8;
/// Lanes that share a token's key, four elements of every 32 each.
inline constexpr int kLanesOfToken = 8;

/// Tokens of a thread in a chunk, of so many that lie this far apart.
inline constexpr int kTokensOfThread = 2;

/// score[head][token] of a chunk; tokens beyond the position get none. Half of the warps have eight
/// heads each, so that a query is read for two tokens.
template <int kSize>
__device__ inline void scoreChunk(const AttendPhase& phase, const AttendUnit& unit,
                                  const AttendChunk& chunk, AttendMemory& memory) {
    constexpr int kQuads = kSize / 4 / kLanesOfToken;
    constexpr int kHeads = kHeadsTogether / 2; ///< of a warp in a turn
    constexpr int kApart = kPageTokens / kTokensOfThread;
    static_assert(kStepThreads / kLanesOfToken == 2 * kApart);
    const int sharing = phase.heads / phase.kvHeads;
    const int size = phase.headSize;
    const int lane = threadNumber() % kLanesOfToken;
    const int ofHeads = warpIndex() % 2; ///< which half of the heads
    const int token = warpIndex() / 2 * (kWarpLanes / kLanesOfToken) + laneIndex() / kLanesOfToken;
    float scale[kTokensOfThread];
    float4 key[kTokensOfThread][kQuads];
    const auto element = [&](int quad) { return (quad * kLanesOfToken + lane) * 4; };
#pragma unroll
    for (int t = 0; t < kTokensOfThread; ++t) {
        const int own = token + t * kApart;
        const bool isThere = own < chunk.tokens;
        scale[t] = rsqrtf(static_cast<float>(size));
        if (phase.cache.bits == 8 && isThere) {
            scale[t] *= phase.cache.keyScale[chunk.place + own];
        }
#pragma unroll
        for (int quad = 0; quad < kQuads; ++quad) {
            key[t][quad] = all(0);
            if (isThere && element(quad) < size) {
                key[t][quad] = cachedFour(phase.cache.bits, chunk.keys, own * size + element(quad));
            }
        }
    }
#pragma unroll 1
    for (int first = ofHeads * kHeads; first < sharing; first += kHeadsTogether) {
        float sum[kTokensOfThread * kHeads] = {};
#pragma unroll
        for (int i = 0; i < kHeads; ++i) {
            if (first + i < sharing) {
                const float* query = memory.queries + (first + i) * size;
#pragma unroll
                for (int quad = 0; quad < kQuads; ++quad) {
                    if (element(quad) < size) {
                        const float4 q = *reinterpret_cast<const float4*>(query + element(quad));
#pragma unroll
                        for (int t = 0; t < kTokensOfThread; ++t) {
                            float& own = sum[t * kHeads + i];
                            own = fmaf(key[t][quad].x, q.x, own);
                            own = fmaf(key[t][quad].y, q.y, own);
                            own = fmaf(key[t][quad].z, q.z, own);
                            own = fmaf(key[t][quad].w, q.w, own);
                        }
                    }
                }
            }
        }
        const float total = foldLanes<kTokensOfThread * kHeads, kLanesOfToken / 2>(sum);
        const int head = first + lane % kHeads;
        const int own = token + lane / kHeads * kApart;
        if (head < sharing && own < chunk.tokens) {
            const bool isSeen = chunk.position + own <= unit.position;
            memory.score[head][own] =
                isSeen ? total * (lane / kHeads == 0 ? scale[0] : scale[1]) : -INFINITY;
        }
    }
}

/// weights[token][head]: exponentials of the scores relative to the largest so far, times the
/// scales of int8 values; one warp a head.
__device__ inline void weighChunk(const AttendPhase& phase, const AttendChunk& chunk,
                                  AttendMemory& memory) {
    constexpr int kTokens = kPageTokens / kWarpLanes; ///< of a lane
    const int sharing = phase.heads / phase.kvHeads;
#pragma unroll 1
    for (int head = warpIndex(); head < sharing; head += kStepThreads / kWarpLanes) {
        const float before = memory.largest[head];
        float own[kTokens];
        float scale[kTokens];
#pragma unroll
        for (int i = 0; i < kTokens; ++i) {
            const int token = laneIndex() + i * kWarpLanes;
            own[i] = token < chunk.tokens ? memory.score[head][token] : -INFINITY;
            scale[i] = 1;
            if (phase.cache.bits == 8 && own[i] > -INFINITY) {
                scale[i] = phase.cache.valueScale[chunk.place + token];
            }
        }
        const float largest = fmaxf(before, largestOfWarp(fmaxf(own[0], own[1])));
        float sum = 0;
#pragma unroll
        for (int i = 0; i < kTokens; ++i) {
            const float weight = __expf(own[i] - largest); // 0 beyond the chunk
            memory.weights[laneIndex() + i * kWarpLanes][head] = weight * scale[i];
            sum += weight;
        }
        sum = sumWarp(sum);
        if (laneIndex() == 0) {
            const float rescale = __expf(before - largest); // 0 at first
            memory.rescale[head] = rescale;
            memory.weight[head] = memory.weight[head] * rescale + sum;
            memory.largest[head] = largest;
        }
    }
}

/// Sums of weighted values: a thread has a pair of elements of all heads, of some of the tokens.
template <int kHeads>
struct ValueSums {
    int groups; ///< of threads, each with its tokens
    int group;
    int pair;
    float2 sum[kHeads];

    __device__ explicit ValueSums(const AttendPhase& phase) {
        const int pairs = phase.headSize / 2;
        groups = quotient(kStepThreads, pairs);
        group = quotient(threadNumber(), pairs);
        pair = threadNumber() - group * pairs;
#pragma unroll
        for (float2& each : sum) {
            each = {0, 0};
        }
    }

    /// The first `tokens` of a chunk.
    __device__ void add(const AttendPhase& phase, const AttendChunk& chunk, int tokens,
                        const AttendMemory& memory) {
#pragma unroll
        for (int head = 0; head < kHeads; ++head) {
            const float rescale = memory.rescale[head];
            sum[head] = {sum[head].x * rescale, sum[head].y * rescale};
        }
        if (group >= groups) {
            return;
        }
        const char* values = chunk.values(phase);
#pragma unroll 2
        for (int token = group; token < tokens; token += groups) {
            const float2 value =
                cachedPair(phase.cache.bits, values, token * phase.headSize + 2 * pair);
#pragma unroll
            for (int head = 0; head < kHeads; ++head) {
                const float weight = memory.weights[token][head];
                sum[head].x = fmaf(weight, value.x, sum[head].x);
                sum[head].y = fmaf(weight, value.y, sum[head].y);
            }
        }
    }

    /// Adds the groups' sums, eight heads at a time, in the place of a chunk; all threads call it.
    __device__ void store(const AttendPhase& phase, const AttendUnit& unit,
                          const AttendMemory& memory) const {
        static_assert(kStepThreads * kHeadsTogether * sizeof(float2) <= kCacheBytes);
        auto* all = reinterpret_cast<float2*>(cacheMemory(0)); // [groups, heads together, pairs]
        const int pairs = phase.headSize / 2;
        const int sharing = phase.heads / phase.kvHeads;
        const int64_t firstHead =
            static_cast<int64_t>(unit.sequence) * phase.heads + unit.kvHead * sharing;
        auto* to = reinterpret_cast<float2*>(phase.parts.sum);
#pragma unroll
        for (int first = 0; first < kHeads; first += kHeadsTogether) {
            __syncthreads(); // what was there is no longer read
            if (group < groups) {
#pragma unroll
                for (int i = 0; i < kHeadsTogether; ++i) {
                    all[(group * kHeadsTogether + i) * pairs + pair] = sum[first + i];
                }
            }
            __syncthreads();
            const int count = min(kHeadsTogether, sharing - first) * pairs;
#pragma unroll 1
            for (int i = threadNumber(); i < count; i += kStepThreads) {
                float2 total = {0, 0};
#pragma unroll 8
                for (int other = 0; other < groups; ++other) {
                    const float2 each = all[other * kHeadsTogether * pairs + i];
                    total = {total.x + each.x, total.y + each.y};
                }
                const int head = quotient(i, pairs);
                const int64_t part = (firstHead + first + head) * kAttentionParts + unit.part;
                to[part * pairs + i - head * pairs] = total;
            }
        }
        if (threadNumber() < sharing) {
            const int64_t part = (firstHead + threadIdx.x) * kAttentionParts + unit.part;
            phase.parts.largest[part] = memory.largest[threadIdx.x];
            phase.parts.weight[part] = memory.weight[threadIdx.x];
        }
    }
};

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
