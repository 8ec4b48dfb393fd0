// Products of coded matrices with up to 8 int8 vectors at once on the tensor cores. Four
// neighbouring weights of a row, one look-up, are one register of an mma.m16n8k32: a lane looks up
// what it multiplies, and nothing is exchanged.
#pragma once

#include "kernels/step/product.cuh"

namespace caldera::kernels::step {

inline constexpr int kBatch = 8; ///< vectors of an mma
/// Columns of a product's input that are staged together, in blocks of 128; a multiple of 4.
inline constexpr int kBatchBlocks = 48;
/// Bytes from one staged vector to the next: 16 more than a multiple of 128, so that the lanes of a
/// warp never wait for one bank.
inline constexpr int kBatchStride = kBatchBlocks * static_cast<int>(kQuantizedBlock) + 16;
inline constexpr int kBatchBytes = kBatch * kBatchStride;
/// Scales from one staged vector to the next, likewise.
inline constexpr int kBatchScales = kBatchBlocks + 1;
inline constexpr int kBatchScaleBytes =
    (kBatch * kBatchScales * static_cast<int>(sizeof(float)) + 15) / 16 * 16;
/// A warp's codes of a block of 128 columns, at most four bits a weight.
inline constexpr int kBatchCodeBytes = kTrellisRows * static_cast<int>(kQuantizedBlock) / 2;
inline constexpr int kBatchMemoryBytes =
    kBatchBytes + kBatchScaleBytes + kStepThreads / kWarpLanes * kBatchCodeBytes;

/// A lane has rows 2 r and 2 r + 1 of a group, r = lane / 4, which tensor cores call r and r + 8,
/// and in 32 columns two quads of neighbours: kQuadStride * c, c = lane % 4, and kSecondQuad
/// further.
template <class S>
class BatchLane {
public:
    static constexpr int kQuadStride = 1; ///< from the first quad of c to that of c + 1
    static constexpr int kSecondQuad = 4; ///< from a lane's first quad to its second

    __device__ BatchLane() {
        constexpr int kBits = 16 * S::kNewBits;
        const int first = (laneIndex() / 4 * 2 * S::kNewBits - S::kMemoryBits + kBits) % kBits;
        words_[0] = first / 32;
        words_[1] = (words_[0] + 1) % S::kGroupWords;
        shift_ = first % 32;
    }

    /// Of the lane's lower and upper row, from the codes of 32 columns.
    __device__ void decode(const uint32_t* codes, uint32_t copy, int2& first, int2& second) const {
        const uint32_t* unit = codes + laneIndex() % 4 * S::kUnitWords;
        first = decodeUnit(unit, copy);
        second = decodeUnit(unit + kSecondQuad * S::kUnitWords, copy);
    }

private:
    __device__ int2 decodeUnit(const uint32_t* unit, uint32_t copy) const {
        int2 both[S::kParts];
#pragma unroll
        for (int part = 0; part < S::kParts; ++part) {
            const uint32_t* string = unit + part * S::kGroupWords;
            // From the lower row's window on.
            const uint32_t bits = __funnelshift_r(string[words_[0]], string[words_[1]], shift_);
            both[part] = {entryOf(bits, copy), entryOf(bits >> S::kNewBits, copy)};
        }
        if constexpr (S::kParts == 1) {
            return both[0];
        } else {
            return {static_cast<int>(__byte_perm(both[0].x, both[1].x, 0x5410)),
                    static_cast<int>(__byte_perm(both[0].y, both[1].y, 0x5410))};
        }
    }

    /// The entry of a window in the lowest bits.
    __device__ static int entryOf(uint32_t window, uint32_t copy) {
        constexpr int kIndexBits = S::kNewBits + S::kMemoryBits - 1;
        constexpr uint32_t kMask = static_cast<uint32_t>(S::kEntries - 1);
        const uint32_t at = ((window & kMask) << S::kShift) | copy;
        const int sign = static_cast<int>(window << (31 - kIndexBits)) >> 31;
        return *reinterpret_cast<const int*>(reinterpret_cast<const char*>(tableMemory()) + at) ^
               sign;
    }

    int words_[2]; ///< of a string: where the bits of the two windows lie
    int shift_;    ///< of the first bit in words_[0]
};

/// Words of e8p-2: those of the two rows lie in one word of 32 bits, and have both quads.
template <>
class BatchLane<E8pShape> {
public:
    static constexpr int kQuadStride = 2;
    static constexpr int kSecondQuad = 1;

    __device__ void decode(const uint32_t* codes, uint32_t copy, int2& first, int2& second) const {
        const uint32_t pair = codes[laneIndex() % 4 * E8pShape::kUnitWords + laneIndex() / 4];
        const int2 lower = E8pShape::lookUp(pair, false, copy);
        const int2 upper = E8pShape::lookUp(pair, true, copy);
        first = {lower.x, upper.x};
        second = {lower.y, upper.y};
    }
};

/// sum [16 rows, 8 vectors] += 32 columns.
__device__ inline void multiplyTile(int (&sum)[4], int2 left, int2 right, int x, int y) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])
        : "r"(left.x), "r"(left.y), "r"(right.x), "r"(right.y), "r"(x), "r"(y));
}

inline constexpr int kTilesOfBlock = static_cast<int>(kQuantizedBlock) / 32;

/// Scales of the staged inputs: [8, kBatchScales].
__device__ inline float* batchScale() {
    return reinterpret_cast<float*>(reinterpret_cast<char*>(inputMemory()) + kBatchBytes);
}

/// The warp's codes of the block that it multiplies.
__device__ inline uint32_t* batchCodes() {
    return reinterpret_cast<uint32_t*>(reinterpret_cast<char*>(batchScale()) + kBatchScaleBytes +
                                       warpIndex() * kBatchCodeBytes);
}

/// Blocks [first, first + count) of all vectors to shared memory; vectors beyond the last count
/// nothing: their scales are 0.
__device__ inline void stageBatch(const StepVector& x, int first, int count, int vectors) {
    char* to = reinterpret_cast<char*>(inputMemory());
    const auto* codes = static_cast<const char*>(x.codes);
    const int pieces = count * static_cast<int>(kQuantizedBlock) / 16;
#pragma unroll 1
    for (int i = static_cast<int>(threadIdx.x); i < kBatch * pieces; i += kStepThreads) {
        const int vector = i / pieces;
        const int piece = i % pieces;
        if (vector < vectors) {
            const int64_t from =
                (static_cast<int64_t>(vector) * x.blocks + first) * kQuantizedBlock + piece * 16;
            copyLater(to + vector * kBatchStride + piece * 16, codes + from);
        }
    }
#pragma unroll 1
    for (int i = static_cast<int>(threadIdx.x); i < kBatch * kBatchScales; i += kStepThreads) {
        const int vector = i / kBatchScales;
        const int block = i % kBatchScales;
        batchScale()[i] = vector < vectors && block < count
                              ? x.scale[static_cast<int64_t>(vector) * x.blocks + first + block]
                              : 0;
    }
}

/// Where 16 rows and a part of the columns are, and where their sums go.
struct BatchItem {
    const uint32_t* codes; ///< of the group's first block of the part
    int first;             ///< block of the part among the staged ones
    int count;             ///< blocks of the part
    float* sums;           ///< of vector 0
    int64_t stride;        ///< from one vector's sums to the next
};

/// One block of 128 columns, whose codes are in shared memory.
template <class S>
__device__ inline void multiplyBatchBlock(const uint32_t* codes, const BatchLane<S>& lane,
                                          uint32_t copy, int block, float (&total)[4]) {
    const int* x = inputMemory() + laneIndex() / 4 * (kBatchStride / 4) +
                   laneIndex() % 4 * BatchLane<S>::kQuadStride +
                   block * static_cast<int>(kQuantizedBlock) / 4;
    constexpr int kTileWords = kUnitsOfBlock<S> * S::kUnitWords / kTilesOfBlock;
    int sum[4] = {};
#pragma unroll
    for (int tile = 0; tile < kTilesOfBlock; ++tile) {
        int2 first;
        int2 second;
        lane.decode(codes + tile * kTileWords, copy, first, second);
        multiplyTile(sum, first, second, x[tile * 8], x[tile * 8 + BatchLane<S>::kSecondQuad]);
    }
    const float* scale = batchScale() + laneIndex() % 4 * 2 * kBatchScales + block;
    total[0] = fmaf(scale[0], static_cast<float>(sum[0]), total[0]);
    total[1] = fmaf(scale[kBatchScales], static_cast<float>(sum[1]), total[1]);
    total[2] = fmaf(scale[0], static_cast<float>(sum[2]), total[2]);
    total[3] = fmaf(scale[kBatchScales], static_cast<float>(sum[3]), total[3]);
}

template <int kWords>
__device__ inline void storeWords(uint32_t* to, const uint32_t (&words)[kWords]) {
    if constexpr (kWords % 4 == 0) {
#pragma unroll
        for (int i = 0; i < kWords; i += 4) {
            *reinterpret_cast<uint4*>(to + i) = {words[i], words[i + 1], words[i + 2],
                                                 words[i + 3]};
        }
    } else {
#pragma unroll
        for (int i = 0; i < kWords; ++i) {
            to[i] = words[i];
        }
    }
}

/// A lane loads neighbouring words of each block, some blocks ahead; through shared memory they
/// come to the lanes that multiply them.
template <class S>
__device__ inline void multiplyBatch(const BatchItem& item, int vectors, uint32_t copy) {
    constexpr int kBlockWords = kUnitsOfBlock<S> * S::kUnitWords;
    constexpr int kLaneWords = kBlockWords / kWarpLanes;
    constexpr int kAhead = kLaneWords > 5 ? 2 : 4;
    const BatchLane<S> lane;
    uint32_t* codes = batchCodes();
    uint32_t* ownCodes = codes + laneIndex() * kLaneWords;
    const uint32_t* from = item.codes + laneIndex() * kLaneWords;
    // Behind the last block it is loaded again.
    const auto codesOf = [&](int i) { return from + min(i, item.count - 1) * kBlockWords; };
    uint32_t ahead[kAhead][kLaneWords];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
        loadWords(codesOf(i), ahead[i]);
    }
    float total[4] = {};
#pragma unroll 1
    for (int first = 0; first < item.count; first += kAhead) {
#pragma unroll
        for (int i = 0; i < kAhead; ++i) {
            if (first + i < item.count) {
                storeWords(ownCodes, ahead[i]);
                loadWords(codesOf(first + i + kAhead), ahead[i]);
                __syncwarp();
                multiplyBatchBlock<S>(codes, lane, copy, item.first + first + i, total);
                __syncwarp(); // the codes are no longer read
            }
        }
    }
    const int row = laneIndex() / 4 * 2;
    const int vector = laneIndex() % 4 * 2;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        if (vector + i < vectors) {
            float* to = item.sums + (vector + i) * item.stride + row;
            to[0] = total[i];
            to[1] = total[2 + i];
        }
    }
}

} // namespace caldera::kernels::step
