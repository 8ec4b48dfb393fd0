// A trellis code's table in shared memory and how windows of a string are looked up in it.
//
// What products ask of the shape S of any code: a unit is S::kUnitColumns columns of 16 rows, of
// S::kUnitWords words of codes, which a lane loads together; S::fill() writes the table, in which
// the entries that a lane reads are `copy` bytes away from where they would be alone.
#pragma once

#include <cstdint>

#include "kernels/step/memory.cuh"
#include "kernels/trellis/trellis.h"

namespace caldera::kernels::step {

/// How a code's table and codes lie. Copies lie interleaved: entry e of copy c at word
/// e * copies + c.
template <class Code>
struct TableShape : Code {
    static constexpr int kEntries = 1 << (Code::kNewBits + Code::kMemoryBits - 1);
    static constexpr int kCopies = kTableBytes / (4 * kEntries);
    static constexpr int kShift = log2Of(4 * kCopies);
    static_assert(kCopies >= 1 && (1 << kShift) == 4 * kCopies);
    static constexpr int kGroupWords = Code::kNewBits / 2; ///< 2 k bytes
    static constexpr int kUnitColumns = 4;
    static constexpr int kParts = kUnitColumns / Code::kColumns; ///< strings of a unit
    static constexpr int kUnitWords = kParts * kGroupWords;

    __device__ static uint32_t copyOfLane() {
        return 4 * static_cast<uint32_t>(laneIndex() % kCopies);
    }

    __device__ static void fill(const int8_t* entries) {
        int* table = tableMemory();
        for (int i = static_cast<int>(threadIdx.x); i < kEntries;
             i += static_cast<int>(blockDim.x)) {
            int entry;
            if constexpr (Code::kColumns == 4) {
                entry = reinterpret_cast<const int*>(entries)[i];
            } else {
                entry = reinterpret_cast<const uint16_t*>(entries)[i];
            }
#pragma unroll
            for (int copy = 0; copy < kCopies; ++copy) {
                table[i * kCopies + copy] = entry;
            }
        }
    }
};

/// The words of one string and what its windows decode to.
template <class S>
class String {
public:
    __device__ explicit String(const uint32_t* words) : words_(words) {}

    /// The entry of row's window, its sign applied: V int8 from the lowest byte up. copy: the byte
    /// at which the lane's copy of the table begins.
    __device__ int entry(int row, uint32_t copy) const {
        const int start = row * S::kNewBits - S::kMemoryBits; // of the window
        const uint32_t window = bits(start - S::kShift);
        const uint32_t at = (window & (static_cast<uint32_t>(S::kEntries - 1) << S::kShift)) | copy;
        return *reinterpret_cast<const int*>(reinterpret_cast<const char*>(tableMemory()) + at) ^
               sign(row);
    }

private:
    /// 32 bits of the string from bit `from` on, which wraps.
    __device__ uint32_t bits(int from) const {
        constexpr int kBits = 16 * S::kNewBits;
        const int at = (from + kBits) % kBits;
        const int word = at / 32;
        const uint32_t low = words_[word];
        const uint32_t high = words_[(word + 1) % S::kGroupWords];
        return at % 32 == 0 ? low : __funnelshift_r(low, high, at % 32);
    }

    /// All ones where the row's top bit is set.
    __device__ int sign(int row) const {
        const int last = row * S::kNewBits + S::kNewBits - 1;
        const uint32_t word = words_[last / 32];
        if (last % 8 == 7) { // a byte's top bit: one instruction spreads it
            int mask;
            asm("prmt.b32 %0, %1, 0, %2;"
                : "=r"(mask)
                : "r"(word), "r"(0x8888 + last % 32 / 8 * 0x1111));
            return mask;
        }
        return static_cast<int>(word << (31 - last % 32)) >> 31;
    }

    const uint32_t* words_;
};

/// A row's four numbers of a unit.
template <class Code>
__device__ inline void decodeRow(TableShape<Code> /*shape*/, const uint32_t* words, int row,
                                 uint32_t copy, int (&four)[1]) {
    using S = TableShape<Code>;
    four[0] = String<S>(words).entry(row, copy);
    if constexpr (S::kParts == 2) {
        const int second = String<S>(words + S::kGroupWords).entry(row, copy);
        four[0] = static_cast<int>(__byte_perm(four[0], second, 0x5410));
    }
}

} // namespace caldera::kernels::step
