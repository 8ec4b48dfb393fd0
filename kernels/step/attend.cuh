// Attention of new tokens over the paged cache, one a sequence or several that follow one another.
// A thread block has one key head of one sequence and a part of its context; parts are joined by
// the phase after it. What the cache already holds is brought while the phase before still runs
// elsewhere.
#pragma once

#include "kernels/step/attend_chunk.cuh"
#include "kernels/step/grid.cuh"
#include "kernels/step/memory.cuh"
#include "kernels/step/stored.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// Parts of a sequence's context and the pages of each. Alone they depend on its own length only,
/// so that its sums do, too; several together have as many parts as one has.
__device__ inline void noteParts(int sequence, int together) {
    const int pages = stepMemory().state.position[sequence] / kPageTokens + 1;
    const int most = (kAttentionParts + together - 1) / together;
    const int each = (pages + most - 1) / most;
    stepMemory().partPages[sequence] = each;
    stepMemory().parts[sequence] = quotient(pages + each - 1, each);
}

/// The first unit of a thread block and those that follow it: parts of all sequences and key heads.
struct AttendCursor {
    int sequence = 0;
    int unit = static_cast<int>(blockIdx.x); ///< of the sequence's

    /// Goes on to the sequence that has the unit; false where there is none.
    __device__ bool find(const AttendPhase& phase) {
        const int count = stepMemory().state.count;
        while (sequence < count && unit >= stepMemory().parts[sequence] * phase.kvHeads) {
            unit -= stepMemory().parts[sequence] * phase.kvHeads;
            ++sequence;
        }
        return sequence < count;
    }
    __device__ void advance() { unit += static_cast<int>(gridDim.x); }

    /// kFollow: tokens may follow one another in a sequence.
    template <bool kFollow>
    __device__ AttendUnit get(const AttendPhase& phase) const {
        const StepState& state = stepMemory().state;
        int known = state.position[sequence];
        if constexpr (kFollow) {
            for (int i = sequence; i > 0 && state.slot[i - 1] == state.slot[sequence]; --i) {
                --known;
            }
        }
        const int parts = stepMemory().parts[sequence];
        const int kvHead = quotient(unit, parts);
        return {sequence,
                kvHead,
                unit - kvHead * parts,
                state.position[sequence],
                known,
                phase.pages + static_cast<int64_t>(state.slot[sequence]) * phase.tableWidth};
    }
};

/// The first token of a unit's part.
__device__ inline int firstToken(const AttendUnit& unit) {
    return unit.part * stepMemory().partPages[unit.sequence] * kPageTokens;
}

/// Behind the last one that its queries see.
__device__ inline int endToken(const AttendUnit& unit) {
    return min(firstToken(unit) + stepMemory().partPages[unit.sequence] * kPageTokens,
               unit.position + 1);
}

/// The tokens from one on that are in shared memory together.
__device__ inline AttendChunk chunkAt(const AttendPhase& phase, const AttendUnit& unit,
                                      int position, int buffer) {
    const int rowBytes = attendRowBytes(phase.headSize);
    const int tokens = 2 * kPageTokens * rowBytes <= kCacheBytes ? kPageTokens : kPageTokens / 2;
    char* keys = cacheMemory(buffer);
    return {position, tokens, unit.place(phase, position), keys, keys + tokens * rowBytes};
}

/// Sixteen bytes to shared memory later: of the source, or zeros.
__device__ inline void copyOrClearLater(void* to, const void* from, bool isThere) {
    const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from),
                 "r"(isThere ? 16 : 0)
                 : "memory");
}

/// Eight int8 as fp16.
__device__ inline uint4 halvesOf(uint2 codes) {
    uint32_t pairs[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        const uint32_t word = (i < 2 ? codes.x : codes.y) >> (i % 2 * 16);
        const __half2 pair = {__int2half_rn(static_cast<int8_t>(word)),
                              __int2half_rn(static_cast<int8_t>(word >> 8))};
        pairs[i] = *reinterpret_cast<const uint32_t*>(&pair);
    }
    return {pairs[0], pairs[1], pairs[2], pairs[3]};
}

/// Brings keys and values of a chunk to shared memory, those before the new tokens; values from
/// them on are zeros, for the cache may hold anything there.
__device__ inline void stageChunk(const AttendPhase& phase, const AttendUnit& unit,
                                  const AttendChunk& chunk) {
    const int pieces = phase.headSize / 8; // of a row
    const int rowBytes = attendRowBytes(phase.headSize);
    const int known = unit.known - chunk.position; // tokens
    const int pieceBytes = phase.cache.bits;       // of eight elements
    const int64_t first = chunk.place * pieces * pieceBytes;
    const char* keys = static_cast<const char*>(phase.cache.keys) + first;
    const char* values = static_cast<const char*>(phase.cache.values) + first;
#pragma unroll 2
    for (int i = threadNumber(); i < chunk.tokens * pieces; i += kStepThreads) {
        const int token = quotient(i, pieces);
        const int to = token * rowBytes + (i - token * pieces) * 16;
        const int64_t from = static_cast<int64_t>(i) * pieceBytes;
        if (phase.cache.bits == 16) {
            copyOrClearLater(chunk.keys + to, keys + from, token < known);
            copyOrClearLater(chunk.values + to, values + from, token < known);
        } else {
            uint2 key = {};
            uint2 value = {};
            if (token < known) {
                key = *reinterpret_cast<const uint2*>(keys + from);
                value = *reinterpret_cast<const uint2*>(values + from);
            }
            *reinterpret_cast<uint4*>(chunk.keys + to) = halvesOf(key);
            *reinterpret_cast<uint4*>(chunk.values + to) = halvesOf(value);
        }
    }
    commitCopies();
}

/// What a unit begins with that does not depend on the phase before: its first chunk, and the
/// angles of its position.
__device__ inline void stageUnit(const AttendPhase& phase, const AttendUnit& unit) {
    stageChunk(phase, unit, chunkAt(phase, unit, firstToken(unit), 0));
    const int half = phase.headSize / 2;
    const int i = threadNumber();
    if (i < half) {
        AttendMemory& memory = stepMemory().attend;
        const int64_t angle = static_cast<int64_t>(unit.position) * half + i;
        copyWordLater(&memory.cosines[i], phase.cosines + angle);
        copyWordLater(&memory.sines[i], phase.sines + angle);
    }
}

/// Two numbers of a head, i and i + half, turned by their position's angle.
struct TurnedPair {
    float first;
    float second;

    __device__ TurnedPair(float2 pair, float cosine, float sine)
        : first(pair.x * cosine - pair.y * sine), second(pair.y * cosine + pair.x * sine) {}
};

/// The unit's queries, not yet turned: a thread has some pairs, all loaded before the angles must
/// be there.
class Queries {
public:
    __device__ Queries(const AttendPhase& phase, const AttendUnit& unit) {
        const int half = phase.headSize / 2;
        const float* from = phase.queries + (static_cast<int64_t>(unit.sequence) * phase.heads +
                                             unit.kvHead * phase.sharing) *
                                                phase.headSize;
#pragma unroll
        for (int n = 0; n < kPairs; ++n) {
            const int pair = threadNumber() + n * kStepThreads;
            if (pair < phase.sharing * half) {
                const int head = quotient(pair, half);
                const int at = head * phase.headSize + pair - head * half;
                pairs_[n] = {from[at], from[at + half]};
            }
        }
    }

    /// To shared memory, turned and divided as scores are.
    __device__ void store(const AttendPhase& phase, AttendMemory& memory) const {
        const int half = phase.headSize / 2;
        const int stride = attendRowBytes(phase.headSize) / static_cast<int>(sizeof(__half));
        const float scale = rsqrtf(static_cast<float>(phase.headSize));
#pragma unroll
        for (int n = 0; n < kPairs; ++n) {
            const int pair = threadNumber() + n * kStepThreads;
            if (pair < phase.sharing * half) {
                const int head = quotient(pair, half);
                const int i = pair - head * half;
                const TurnedPair turned(pairs_[n], memory.cosines[i], memory.sines[i]);
                const SplitHalf first(turned.first * scale);
                const SplitHalf second(turned.second * scale);
                // Eight heads, then what is left of each.
                __half* row = memory.queries + (head + head / kTileHeads * kTileHeads) * stride + i;
                row[0] = first.high;
                row[half] = second.high;
                row[kTileHeads * stride] = first.low;
                row[kTileHeads * stride + half] = second.low;
            }
        }
    }

private:
    static constexpr int kPairs = kMostQuery / 2 / kStepThreads;
    float2 pairs_[kPairs];
};

/// A new key and value go into their page and into the chunk. By two warps that have no queries to
/// wait for. `isOwn`: of the unit's position, whose angles are there.
__device__ inline void storeToken(const AttendPhase& phase, int kvHead, const AttendChunk& chunk,
                                  AttendMemory& memory, int sequence, int position, bool isOwn) {
    const int size = phase.headSize;
    const int half = size / 2;
    const int token = position - chunk.position;
    const int to = token * attendRowBytes(size);
    const int64_t from = (static_cast<int64_t>(sequence) * phase.kvHeads + kvHead) * size;
    const int64_t angle = static_cast<int64_t>(position) * half;
    constexpr int kWarps = kStepThreads / kWarpLanes;
    if (warpIndex() == kWarps - 1) {
#pragma unroll 4
        for (int i = laneIndex(); i < half; i += kWarpLanes) {
            const float* key = phase.keys + from + i;
            const TurnedPair turned({key[0], key[half]},
                                    isOwn ? memory.cosines[i] : phase.cosines[angle + i],
                                    isOwn ? memory.sines[i] : phase.sines[angle + i]);
            memory.newKey[i] = turned.first;
            memory.newKey[i + half] = turned.second;
        }
        __syncwarp();
        storeVector(phase.cache, phase.cache.keys, phase.cache.keyScale, chunk.place + token, size,
                    memory.newKey, reinterpret_cast<__half*>(chunk.keys + to));
    } else if (warpIndex() == kWarps - 2) {
        storeVector(phase.cache, phase.cache.values, phase.cache.valueScale, chunk.place + token,
                    size, phase.values + from, reinterpret_cast<__half*>(chunk.values + to));
    }
}

/// The unit's own new token, and with kFollow those of its sequence before it. Their thread blocks
/// put the same into the cache, but this one must not wait for that.
template <bool kFollow>
__device__ inline void storeNew(const AttendPhase& phase, const AttendUnit& unit,
                                const AttendChunk& chunk, AttendMemory& memory) {
    const int before = kFollow ? unit.position - unit.known : 0;
#pragma unroll 1
    for (int back = before; back >= 0; --back) {
        const int position = unit.position - back;
        if (chunk.has(position)) {
            storeToken(phase, unit.kvHead, chunk, memory, unit.sequence - back, position,
                       back == 0);
            __syncwarp(); // the next one's key has the same place
        }
    }
}

/// Adds a chunk that is there to the sums: each warp scores eight of its tokens, and has some of
/// its values' elements.
template <int kSize, int kGroups, int kTiles>
__device__ __forceinline__ void attendChunk(const AttendPhase& phase, const AttendUnit& unit,
                                            const AttendChunk& chunk, AttendMemory& memory,
                                            ValueSums<kGroups, kTiles>& sums) {
    const int tiles = chunk.tokens / kTileHeads;
    TileScores<kGroups> scores;
    if (warpIndex() < tiles) {
        scores.template multiply<kSize>(phase, unit, chunk, memory);
        scores.noteLargest(memory);
    }
    __syncthreads();
    const float scale = sums.raise(tiles, memory);
    if (warpIndex() < tiles) {
        scores.store(sums.largest, scale, memory);
    }
    __syncthreads();
    sums.add(phase, chunk, scale, memory);
}

/// One part of a sequence's context for one key head; its first chunk is staged.
template <bool kFollow, int kGroups, int kSize>
__device__ inline void attendUnit(const AttendPhase& phase, const AttendUnit& unit,
                                  AttendMemory& memory) {
    constexpr int kTiles = kSize / kTileHeads / (kStepThreads / kWarpLanes);
    const int first = firstToken(unit);
    const int end = endToken(unit);
    const Queries queries(phase, unit);
    waitForCopies();
    __syncthreads(); // the angles are there
    queries.store(phase, memory);
    AttendChunk chunk = chunkAt(phase, unit, first, 0);
    ValueSums<kGroups, kTiles> sums;
    int buffer = 0;
#pragma unroll 1
    for (;;) {
        storeNew<kFollow>(phase, unit, chunk, memory);
        __syncthreads();
        const int following = chunk.position + chunk.tokens;
        AttendChunk next = chunk;
        if (following < end) {
            buffer = (buffer + 1) % kCacheBuffers;
            next = chunkAt(phase, unit, following, buffer);
            if (kCacheBuffers > 1) {
                stageChunk(phase, unit, next);
            }
        }
        attendChunk<kSize>(phase, unit, chunk, memory, sums);
        if (following >= end) {
            break;
        }
        if (kCacheBuffers == 1) {
            __syncthreads(); // the chunk is no longer read
            stageChunk(phase, unit, next);
        }
        waitForCopies();
        __syncthreads();
        chunk = next;
    }
    sums.store(phase, unit);
    __syncthreads(); // the memory is no longer read
}

/// All units of the thread block; for at most kGroups times eight query heads of a key head, of at
/// most kSize numbers.
template <bool kFollow, int kGroups, int kSize>
__device__ __noinline__ void attendUnits(int place) {
    const AttendPhase& phase = phaseAt(place).attend;
    bool isFirst = true;
#pragma unroll 1
    for (AttendCursor cursor; cursor.find(phase); cursor.advance()) {
        const AttendUnit unit = cursor.get<kFollow>(phase);
        stageUnit(phase, unit);
        if (isFirst) {
            beginPhase();
        }
        isFirst = false;
        attendUnit<kFollow, kGroups, kSize>(phase, unit, stepMemory().attend);
    }
    if (isFirst) {
        beginPhase();
    }
}

template <bool kFollow>
__device__ inline void runAttend(int place) {
    const AttendPhase& phase = phaseAt(place).attend;
    if (phase.headSize > kMostHeadSize / 2) {
        attendUnits<kFollow, 1, kMostHeadSize>(place);
    } else if (phase.sharing > kTileHeads) {
        attendUnits<kFollow, kMostSharing / kTileHeads, kMostHeadSize / 2>(place);
    } else {
        attendUnits<kFollow, 1, kMostHeadSize / 2>(place);
    }
}

} // namespace caldera::kernels::step
