// Attention over a chunk of the cache that is in shared memory, on the tensor cores: scores, their
// exponentials, sums of values. Queries and weights of eight heads are sixteen rows of fp16: what
// fp16 holds of them and, eight rows below, the rest, so that nothing is rounded away.
#pragma once

#include "kernels/step/memory.cuh"
#include "kernels/step/vector.cuh"

namespace caldera::kernels::step {

/// Which keys a thread block has.
struct AttendUnit {
    int sequence;
    int kvHead;
    int part;
    int position; ///< of the token whose queries these are
    int known;    ///< tokens that the cache has: those from here to the position are new, too
    const int32_t* pages;

    /// The place of a token in arrays [pages, kvHeads, kPageTokens].
    __device__ int64_t place(const AttendPhase& phase, int token) const {
        const int64_t page = pages[token / kPageTokens];
        return (page * phase.kvHeads + kvHead) * kPageTokens + token % kPageTokens;
    }
};

/// Bytes from a row of fp16 to the next in shared memory: an odd number of 16, so that eight rows
/// lie in different banks.
__device__ inline int attendRowBytes(int size) {
    return (size * static_cast<int>(sizeof(__half)) + 31) / 32 * 32 + 16;
}

/// A chunk of a page: its first token's position and place in the cache. Keys and values are fp16
/// in shared memory, int8 without their scales.
struct AttendChunk {
    int position;
    int tokens; ///< 64 or 32; those behind the new one count nothing
    int64_t place;
    char* keys;
    char* values;

    __device__ bool has(int token) const { return token >= position && token < position + tokens; }
};

/// What an element holds in fp16, and what is left of it.
struct SplitHalf {
    __half high;
    __half low;

    __device__ explicit SplitHalf(float value)
        : high(__float2half_rn(value)), low(__float2half_rn(value - __half2float(high))) {}
};

/// sum [16 rows, 8 columns] += left [16, 16] right [16, 8].
__device__ inline void multiplyTile(float (&sum)[4], const uint32_t (&left)[4], uint32_t right0,
                                    uint32_t right1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right0), "r"(right1));
}

/// Four matrices of 8 x 8 fp16 from shared memory, a row by each lane.
__device__ inline void loadTiles(uint32_t (&tiles)[4], const void* row) {
    const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(tiles[0]), "=r"(tiles[1]), "=r"(tiles[2]), "=r"(tiles[3])
                 : "r"(address)
                 : "memory");
}

/// The same, each matrix transposed.
__device__ inline void loadTurnedTiles(uint32_t (&tiles)[4], const void* row) {
    const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(tiles[0]), "=r"(tiles[1]), "=r"(tiles[2]), "=r"(tiles[3])
                 : "r"(address)
                 : "memory");
}

/// Heads of a tile, and a lane's place in it: row (head or token) and column pair.
inline constexpr int kTileHeads = 8;
__device__ inline int tileRow() {
    return laneIndex() / 4;
}
__device__ inline int tileColumn() {
    return laneIndex() % 4;
}

/// Sums over the four lanes that have a row of a tile.
__device__ inline float sumRow(float value) {
    value += __shfl_xor_sync(kAllLanes, value, 1);
    return value + __shfl_xor_sync(kAllLanes, value, 2);
}
__device__ inline float largestOfRow(float value) {
    value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, 1));
    return fmaxf(value, __shfl_xor_sync(kAllLanes, value, 2));
}

/// Scores of a warp's eight tokens, of kGroups times eight heads: of head tileRow() those of tokens
/// 2 tileColumn() and the next. A warp without tokens has none.
template <int kGroups>
struct TileScores {
    float2 score[kGroups];
    float2 valueScale; ///< of the tokens; 0 where there are none

    /// Keys times queries, of tokens that the unit's own one sees.
    template <int kSize>
    __device__ void multiply(const AttendPhase& phase, const AttendUnit& unit,
                             const AttendChunk& chunk, const AttendMemory& memory) {
        const int first = warpIndex() * kTileHeads + 2 * tileColumn(); // of the lane's tokens
        float2 keyScale = {1, 1};
        valueScale = {1, 1};
        if (phase.cache.bits == 8) {
            keyScale = *reinterpret_cast<const float2*>(phase.cache.keyScale + chunk.place + first);
            valueScale =
                *reinterpret_cast<const float2*>(phase.cache.valueScale + chunk.place + first);
        }
        float sum[kGroups][2][4] = {};
        addProducts<kSize>(sum, phase, chunk, memory);
        const int seen = unit.position - chunk.position - first; // 0: the first token, 1: both
#pragma unroll
        for (int group = 0; group < kGroups; ++group) {
            const auto& [even, odd] = sum[group];
            score[group] = {
                seen >= 0 ? keyScale.x * ((even[0] + odd[0]) + (even[2] + odd[2])) : -INFINITY,
                seen >= 1 ? keyScale.y * ((even[1] + odd[1]) + (even[3] + odd[3])) : -INFINITY};
        }
        valueScale = {seen >= 0 ? valueScale.x : 0, seen >= 1 ? valueScale.y : 0};
    }

    /// The largest of the warp's tokens to where all warps find them.
    __device__ void noteLargest(AttendMemory& memory) const {
#pragma unroll
        for (int group = 0; group < kGroups; ++group) {
            const float largest = largestOfRow(fmaxf(score[group].x, score[group].y));
            if (tileColumn() == 0) {
                memory.largest[warpIndex()][group * kTileHeads + tileRow()] = largest;
            }
        }
        const float scale = largestOfRow(fmaxf(valueScale.x, valueScale.y));
        if (laneIndex() == 0) {
            memory.valueScale[warpIndex()] = scale;
        }
    }

    /// Exponentials relative to the heads' largest scores, times the scales of values relative to
    /// the largest of those.
    __device__ void store(const float (&largest)[kGroups], float largestScale,
                          AttendMemory& memory) const {
        const float2 scale = {__fdividef(valueScale.x, largestScale),
                              __fdividef(valueScale.y, largestScale)};
#pragma unroll
        for (int group = 0; group < kGroups; ++group) {
            const float2 weight = {__expf(score[group].x - largest[group]),
                                   __expf(score[group].y - largest[group])};
            const SplitHalf first(weight.x * scale.x);
            const SplitHalf second(weight.y * scale.y);
            __half* row = memory.weights[group * 2 * kTileHeads + tileRow()] +
                          warpIndex() * kTileHeads + 2 * tileColumn();
            *reinterpret_cast<__half2*>(row) = {first.high, second.high};
            *reinterpret_cast<__half2*>(row + kTileHeads * kWeightStride) = {first.low, second.low};
            const float sum = sumRow(weight.x + weight.y);
            if (tileColumn() == 0) {
                memory.weight[warpIndex()][group * kTileHeads + tileRow()] = sum;
            }
        }
    }

private:
    /// Rows of queries times the warp's keys, the even steps apart from the odd ones. The order of
    /// a head's elements is that in which a lane's 16 bytes of keys are two steps of a tile, and no
    /// two lanes want one bank.
    template <int kSize>
    __device__ static void addProducts(float (&sum)[kGroups][2][4], const AttendPhase& phase,
                                       const AttendChunk& chunk, const AttendMemory& memory) {
        const int rowBytes = attendRowBytes(phase.headSize);
        const int pieces = phase.headSize / 8; // of 16 bytes
        const char* keys = chunk.keys + (warpIndex() * kTileHeads + tileRow()) * rowBytes;
#pragma unroll
        for (int step = 0; step < kSize / 32; ++step) {
            const int piece = step / 2 * 8 + 2 * tileColumn() + step % 2;
            if (step / 2 * 8 < pieces) {
                const bool isThere = piece < pieces;
                const uint4 none = {};
                const uint4 key =
                    isThere ? *reinterpret_cast<const uint4*>(keys + 16 * piece) : none;
#pragma unroll
                for (int group = 0; group < kGroups; ++group) {
                    const char* queries = reinterpret_cast<const char*>(memory.queries) +
                                          (group * 2 * kTileHeads + tileRow()) * rowBytes +
                                          16 * piece;
                    const uint4 high = isThere ? *reinterpret_cast<const uint4*>(queries) : none;
                    const uint4 low =
                        isThere ? *reinterpret_cast<const uint4*>(queries + kTileHeads * rowBytes)
                                : none;
                    multiplyTile(sum[group][0], {high.x, low.x, high.y, low.y}, key.x, key.y);
                    multiplyTile(sum[group][1], {high.z, low.z, high.w, low.w}, key.z, key.w);
                }
            }
        }
    }
};

/// What a warp has of a unit's result, chunk after chunk: of kGroups times eight heads, lane by
/// lane that of tileRow(), the values' sums of kTiles times eight elements.
template <int kGroups, int kTiles>
struct ValueSums {
    float largest[kGroups]; ///< score so far
    float weight[kGroups];  ///< sum of exponentials
    float2 sum[kGroups][kTiles];

    __device__ ValueSums() {
#pragma unroll
        for (int group = 0; group < kGroups; ++group) {
            largest[group] = -INFINITY;
            weight[group] = 0;
#pragma unroll
            for (float2& each : sum[group]) {
                each = {0, 0};
            }
        }
    }

    /// Takes up a chunk's largest scores; returns the largest scale of its values.
    __device__ float raise(int tiles, const AttendMemory& memory) {
        float scale = 0;
        float raised[kGroups];
#pragma unroll
        for (int group = 0; group < kGroups; ++group) {
            raised[group] = largest[group];
        }
#pragma unroll
        for (int tile = 0; tile < kPageTokens / kTileHeads; ++tile) {
            if (tile < tiles) {
                scale = fmaxf(scale, memory.valueScale[tile]);
#pragma unroll
                for (int group = 0; group < kGroups; ++group) {
                    raised[group] =
                        fmaxf(raised[group], memory.largest[tile][group * kTileHeads + tileRow()]);
                }
            }
        }
#pragma unroll
        for (int group = 0; group < kGroups; ++group) {
            const float rescale = __expf(largest[group] - raised[group]); // 0 at first
            largest[group] = raised[group];
            weight[group] *= rescale;
#pragma unroll
            for (float2& each : sum[group]) {
                each = {each.x * rescale, each.y * rescale};
            }
        }
        return scale > 0 ? scale : 1;
    }

    /// Adds a chunk's weighted values.
    __device__ void add(const AttendPhase& phase, const AttendChunk& chunk, float scale,
                        const AttendMemory& memory) {
        const int rowBytes = attendRowBytes(phase.headSize);
        addWeights(chunk, memory);
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) {
            const int element = elementOf(tile);
            if (element >= phase.headSize) {
                return;
            }
            float own[kGroups][4] = {};
#pragma unroll
            for (int token = 0; token < kPageTokens; token += kWarpLanes) {
                if (token >= chunk.tokens) {
                    break;
                }
                uint32_t values[4];
                loadTurnedTiles(values, chunk.values + (token + laneIndex()) * rowBytes +
                                            element * static_cast<int>(sizeof(__half)));
#pragma unroll
                for (int group = 0; group < kGroups; ++group) {
                    const __half* row = memory.weights[group * 2 * kTileHeads + laneIndex() % 16] +
                                        token + laneIndex() / 16 * 8;
                    uint32_t weights[4];
                    loadTiles(weights, row);
                    multiplyTile(own[group], weights, values[0], values[1]);
                    loadTiles(weights, row + 16);
                    multiplyTile(own[group], weights, values[2], values[3]);
                }
            }
#pragma unroll
            for (int group = 0; group < kGroups; ++group) {
                float2& all = sum[group][tile];
                all.x = fmaf(scale, own[group][0] + own[group][2], all.x);
                all.y = fmaf(scale, own[group][1] + own[group][3], all.y);
            }
        }
    }

    __device__ void store(const AttendPhase& phase, const AttendUnit& unit) const {
#pragma unroll
        for (int group = 0; group < kGroups; ++group) {
            const int head = group * kTileHeads + tileRow();
            if (head >= phase.sharing) {
                return;
            }
            const int64_t part = (static_cast<int64_t>(unit.sequence) * phase.heads +
                                  unit.kvHead * phase.sharing + head) *
                                     kAttentionParts +
                                 unit.part;
#pragma unroll
            for (int tile = 0; tile < kTiles; ++tile) {
                const int element = elementOf(tile) + 2 * tileColumn();
                if (element < phase.headSize) {
                    *reinterpret_cast<float2*>(phase.parts.sum + part * phase.headSize + element) =
                        sum[group][tile];
                }
            }
            if (threadNumber() < kWarpLanes && tileColumn() == 0) {
                phase.parts.largest[part] = largest[group];
                phase.parts.weight[part] = weight[group];
            }
        }
    }

private:
    __device__ void addWeights(const AttendChunk& chunk, const AttendMemory& memory) {
#pragma unroll
        for (int group = 0; group < kGroups; ++group) {
#pragma unroll
            for (int tile = 0; tile < kPageTokens / kTileHeads; ++tile) {
                if (tile < chunk.tokens / kTileHeads) {
                    weight[group] += memory.weight[tile][group * kTileHeads + tileRow()];
                }
            }
        }
    }

    /// The first of a tile's elements.
    __device__ static int elementOf(int tile) {
        return (tile * (kStepThreads / kWarpLanes) + warpIndex()) * kTileHeads;
    }
};

} // namespace caldera::kernels::step
