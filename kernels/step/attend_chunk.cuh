// Attention over a chunk of the cache that is in shared memory: scores, their exponentials, sums of
// values.
#pragma once

#include "kernels/step/memory.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

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

} // namespace caldera::kernels::step
