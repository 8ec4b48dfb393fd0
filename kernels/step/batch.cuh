// Products of coded matrices with up to 8 int8 vectors at once on the tensor cores. Four
// neighbouring weights of a row, one look-up, are one register of an mma.m16n8k32: a lane looks up
// what it multiplies, and nothing is exchanged.
#pragma once

#include "kernels/step/product.cuh"

namespace caldera::kernels::step {

inline constexpr int kBatch = 8; ///< vectors of an mma

/// Words of the codes of a block of 128 columns of 16 rows.
template <class S>
inline constexpr int kBlockWords = kUnitsOfBlock<S>* S::kUnitWords;
/// A lane's neighbouring words of a block.
template <class S>
inline constexpr int kLaneWords = kBlockWords<S> / kWarpLanes;
/// A warp's codes in shared memory, word by word: from one word of all units to the next, so that
/// lanes never wait for one bank, and all of them.
template <class S>
inline constexpr int kWordStride = kUnitsOfBlock<S> + 4;
template <class S>
inline constexpr int kCodeWords = S::kUnitWords* kWordStride<S>;
/// A lane has 32 neighbouring columns of a block: eight words of an input.
inline constexpr int kLaneColumns = static_cast<int>(kQuantizedBlock) / 4;

/// Where a piece of the inputs is in shared memory: codes [8, blocks * 128], scales [blocks, 8],
/// then each warp's codes of a block. Vectors begin 16 bytes more than whole blocks apart, for the
/// sake of banks.
struct BatchMemory {
    int blocks; ///< that a piece has at most

    __device__ char* codes(int vector) const {
        return reinterpret_cast<char*>(inputMemory()) +
               vector * (blocks * static_cast<int>(kQuantizedBlock) + 16);
    }
    __device__ float* scales(int block) const {
        return reinterpret_cast<float*>(codes(kBatch)) + block * kBatch;
    }
    template <class S>
    __device__ uint32_t* ownCodes() const {
        return reinterpret_cast<uint32_t*>(scales(blocks)) + warpIndex() * kCodeWords<S>;
    }
};

__device__ inline uint32_t sharedAddress(const void* pointer) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

/// A word of a table, which does not change while anybody reads it.
__device__ inline int tableWord(uint32_t address) {
    int word;
    asm("ld.shared.b32 %0, [%1];" : "=r"(word) : "r"(address));
    return word;
}

/// What a lane does with a block's codes. It has rows 2 r and 2 r + 1 of a group, r = lane / 4,
/// which tensor cores call r and r + 8, and the columns from 32 c on, c = lane % 4.
template <class S>
class BatchLane {
public:
    struct Codes {
        uint32_t bits[S::kParts][8]; ///< of each unit's strings, from kLead before the lower window
    };

    explicit __device__ BatchLane(BatchMemory memory)
        : table_(sharedAddress(tableMemory()) + S::copyOfLane()),
          store_(memory.ownCodes<S>() + laneIndex()) {
        constexpr int kBits = 16 * S::kNewBits;
        const int row = laneIndex() / 4 * 2;
        const int first = (row * S::kNewBits - S::kMemoryBits - kLead + kBits) % kBits;
        const int word = first / 32;
        const uint32_t* own = memory.ownCodes<S>() + laneIndex() % 4 * 8;
        low_ = own + word * kWordStride<S>;
        high_ = own + (word + 1) % S::kGroupWords * kWordStride<S>;
        shift_ = first % 32;
    }

    __device__ void store(const uint32_t (&words)[kLaneWords<S>]) const {
#pragma unroll
        for (int word = 0; word < S::kUnitWords; ++word) {
            store_[word * kWordStride<S>] = words[word];
        }
    }

    __device__ void read(Codes& codes) const {
#pragma unroll
        for (int part = 0; part < S::kParts; ++part) {
#pragma unroll
            for (int four = 0; four < 8; four += 4) {
                constexpr int kPart = S::kGroupWords * kWordStride<S>;
                const uint4 low = *reinterpret_cast<const uint4*>(low_ + part * kPart + four);
                const uint4 high = *reinterpret_cast<const uint4*>(high_ + part * kPart + four);
                uint32_t* bits = codes.bits[part] + four;
                bits[0] = __funnelshift_r(low.x, high.x, shift_);
                bits[1] = __funnelshift_r(low.y, high.y, shift_);
                bits[2] = __funnelshift_r(low.z, high.z, shift_);
                bits[3] = __funnelshift_r(low.w, high.w, shift_);
            }
        }
    }

    /// The lower and the upper row's four weights of a quad of the lane's eight.
    __device__ int2 decode(const Codes& codes, int quad) const {
        int2 both[S::kParts];
#pragma unroll
        for (int part = 0; part < S::kParts; ++part) {
            const uint32_t bits = codes.bits[part][quad];
            both[part] = {entry<kLead>(bits), entry<kLead + S::kNewBits>(bits)};
        }
        if constexpr (S::kParts == 1) {
            return both[0];
        } else {
            return {static_cast<int>(__byte_perm(both[0].x, both[1].x, 0x5410)),
                    static_cast<int>(__byte_perm(both[0].y, both[1].y, 0x5410))};
        }
    }

private:
    static constexpr int kWindow = S::kNewBits + S::kMemoryBits;
    /// Bits before the window, so that signs are the top bits of bytes where rows are bytes apart:
    /// one instruction spreads them.
    static constexpr int kLead = S::kNewBits % 8 == 0 ? (8 - kWindow % 8) % 8 : 0;
    static_assert(kLead + kWindow + S::kNewBits <= 32);

    /// The entry of the window that begins at a bit, its sign applied.
    template <int kFirst>
    __device__ int entry(uint32_t bits) const {
        constexpr uint32_t kMask = static_cast<uint32_t>(S::kEntries - 1);
        constexpr int kSign = kFirst + kWindow - 1;
        int sign;
        if constexpr (kSign % 8 == 7) {
            asm("prmt.b32 %0, %1, 0, %2;"
                : "=r"(sign)
                : "r"(bits), "n"(0x8888 + kSign / 8 * 0x1111));
        } else {
            sign = static_cast<int>(bits << (31 - kSign)) >> 31;
        }
        uint32_t address;
        if constexpr (kFirst <= S::kShift) { // shift and sum are one instruction
            asm("mad.lo.u32 %0, %1, %2, %3;"
                : "=r"(address)
                : "r"(bits & (kMask << kFirst)), "n"(1 << (S::kShift - kFirst)), "r"(table_));
        } else {
            address = (bits >> (kFirst - S::kShift) & (kMask << S::kShift)) + table_;
        }
        return tableWord(address) ^ sign;
    }

    uint32_t table_;  ///< of the lane's copy
    uint32_t* store_; ///< where its unit's words go
    const uint32_t* low_;
    const uint32_t* high_;
    int shift_;
};

/// Words of e8p-2: those of the two rows lie in one word of 32 bits.
template <>
class BatchLane<E8pShape> {
public:
    struct Codes {
        uint32_t pair[4]; ///< of eight columns
    };

    explicit __device__ BatchLane(BatchMemory memory)
        : copy_(E8pShape::copyOfLane()),
          store_(memory.ownCodes<E8pShape>() + laneIndex() % 2 * 4 * kStride + laneIndex() / 2),
          own_(memory.ownCodes<E8pShape>() + laneIndex() / 4 * kStride + laneIndex() % 4 * 4) {}

    __device__ void store(const uint32_t (&words)[kLaneWords<E8pShape>]) const {
#pragma unroll
        for (int word = 0; word < kLaneWords<E8pShape>; ++word) {
            store_[word * kStride] = words[word];
        }
    }
    __device__ void read(Codes& codes) const {
        const uint4 four = *reinterpret_cast<const uint4*>(own_);
        codes.pair[0] = four.x;
        codes.pair[1] = four.y;
        codes.pair[2] = four.z;
        codes.pair[3] = four.w;
    }
    __device__ int2 decode(const Codes& codes, int quad) const {
        const int2 lower = E8pShape::lookUp(codes.pair[quad / 2], false, copy_);
        const int2 upper = E8pShape::lookUp(codes.pair[quad / 2], true, copy_);
        return quad % 2 == 0 ? int2{lower.x, upper.x} : int2{lower.y, upper.y};
    }

private:
    static constexpr int kStride = kWordStride<E8pShape>;
    uint32_t copy_;
    uint32_t* store_;
    const uint32_t* own_;
};

/// sum [16 rows, 8 vectors] += 32 columns.
__device__ inline void multiplyTile(int (&sum)[4], int2 left, int2 right, int x, int y) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])
        : "r"(left.x), "r"(left.y), "r"(right.x), "r"(right.y), "r"(x), "r"(y));
}

/// Blocks [first, first + count) of all vectors to shared memory; vectors beyond the last count
/// nothing: their scales are 0.
__device__ inline void stageBatch(const StepVector& x, BatchMemory memory, int first, int count,
                                  int vectors) {
    const auto* codes = static_cast<const char*>(x.codes);
    const int pieces = count * static_cast<int>(kQuantizedBlock) / 16;
#pragma unroll 1
    for (int vector = 0; vector < vectors; ++vector) {
        const char* from =
            codes + (static_cast<int64_t>(vector) * x.blocks + first) * kQuantizedBlock;
#pragma unroll 1
        for (int piece = threadNumber(); piece < pieces; piece += kStepThreads) {
            copyLater(memory.codes(vector) + piece * 16, from + piece * 16);
        }
    }
#pragma unroll 1
    for (int i = threadNumber(); i < kBatch * count; i += kStepThreads) {
        const int vector = i % kBatch;
        const int block = i / kBatch;
        memory.scales(block)[vector] =
            vector < vectors ? x.scale[static_cast<int64_t>(vector) * x.blocks + first + block] : 0;
    }
}

/// 16 rows and a part of the columns, in one piece of the inputs; or an item of a factor.
struct BatchItem {
    int piece;             ///< beyond the last: there is none
    int factor;            ///< number of a factor's item in the piece; -1: it is none
    const uint32_t* codes; ///< of the lane, in the part's first block
    int first;             ///< block of the part among those of the piece
    int count;             ///< blocks of the part
    float* sums;           ///< of vector 0
    int64_t stride;        ///< from one vector's sums to the next
};

/// A lane's codes of the blocks that come next.
template <class S>
struct BatchAhead {
    static constexpr int kBlocks = kLaneWords<S> > 5 ? 2 : 4;
    uint32_t words[kBlocks][kLaneWords<S>];

    /// A block behind that from which `codes` are the lane's.
    __device__ void load(int place, const uint32_t* codes, int block) {
        loadWords(codes + block * kBlockWords<S>, words[place]);
    }
    /// The first blocks.
    __device__ void begin(const uint32_t* codes) {
#pragma unroll
        for (int i = 0; i < kBlocks; ++i) {
            load(i, codes, i);
        }
    }
};

/// One block of 128 columns of an item.
template <class S>
__device__ inline void multiplyBatchBlock(const BatchLane<S>& lane,
                                          const typename BatchLane<S>::Codes& codes, const char* x,
                                          const float* scales, float (&total)[4]) {
    const uint4 first = reinterpret_cast<const uint4*>(x)[0];
    const uint4 second = reinterpret_cast<const uint4*>(x)[1];
    int even[4] = {}; // two sums, so that they do not wait for one another
    int odd[4] = {};
    multiplyTile(even, lane.decode(codes, 0), lane.decode(codes, 1), first.x, first.y);
    multiplyTile(odd, lane.decode(codes, 2), lane.decode(codes, 3), first.z, first.w);
    multiplyTile(even, lane.decode(codes, 4), lane.decode(codes, 5), second.x, second.y);
    multiplyTile(odd, lane.decode(codes, 6), lane.decode(codes, 7), second.z, second.w);
    const float2 scale = *reinterpret_cast<const float2*>(scales);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
        total[i] =
            fmaf(i % 2 == 0 ? scale.x : scale.y, static_cast<float>(even[i] + odd[i]), total[i]);
    }
}

/// An item whose first block's codes are in shared memory, those of some blocks more on their way;
/// at the end the next item's are. Blocks come in whole turns of BatchAhead::kBlocks; what is
/// beyond the item's is not counted.
template <class S>
__device__ __forceinline__ void multiplyBatch(const BatchItem& item, const BatchItem& next,
                                              const BatchLane<S>& lane, BatchAhead<S>& ahead,
                                              BatchMemory memory, int vectors) {
    constexpr int kBlocks = BatchAhead<S>::kBlocks;
    const char* x = memory.codes(laneIndex() / 4) + laneIndex() % 4 * kLaneColumns +
                    item.first * static_cast<int>(kQuantizedBlock);
    const float* scales = memory.scales(item.first) + laneIndex() % 4 * 2;
    float total[4] = {};
#pragma unroll 1
    for (int first = 0; first < item.count; first += kBlocks) {
        const bool isLast = first + kBlocks >= item.count;
        const uint32_t* following =
            isLast ? next.codes : item.codes + (first + kBlocks) * kBlockWords<S>;
#pragma unroll
        for (int i = 0; i < kBlocks; ++i) {
            typename BatchLane<S>::Codes codes;
            __syncwarp(); // the block's codes are there
            lane.read(codes);
            __syncwarp(); // and no longer read
            ahead.load(i, following, i);
            lane.store(ahead.words[(i + 1) % kBlocks]);
            if (first + i < item.count) {
                multiplyBatchBlock<S>(lane, codes, x, scales, total);
            }
            x += kQuantizedBlock;
            scales += kBatch;
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
