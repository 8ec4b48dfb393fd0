// The tables of e8p-2 in shared memory: what eight weights of a word are, by its high byte, and
// what that is XORed with, by its low byte. Sixteen copies of 8 bytes leave no two lanes of a half
// warp to one bank.
#pragma once

#include "kernels/step/memory.cuh"

namespace caldera::kernels::step {

/// The shape of e8p-2, as TableShape is of the trellis codes (table.cuh).
struct E8pShape {
    static constexpr int kEntries = 256; ///< of each of the two tables
    static constexpr int kCopies = kTableBytes >= (64 << 10) ? 16 : 8;
    static constexpr int kRowBytes = kCopies * static_cast<int>(sizeof(int2)); ///< of an entry
    static constexpr int kShift = log2Of(kRowBytes);
    static constexpr int kSigns = kEntries * kRowBytes; ///< byte at which the second table begins
    static constexpr int kUnitColumns = 8;
    static constexpr int kUnitWords = 8; ///< a word of 16 bits for each row
    static_assert(2 * kSigns <= kTableBytes);

    __device__ static uint32_t copyOfLane() {
        return static_cast<uint32_t>(laneIndex() % kCopies) * sizeof(int2);
    }

    __device__ static void fill(const int8_t* numbers) {
        auto* table = reinterpret_cast<int2*>(tableMemory());
        for (int i = static_cast<int>(threadIdx.x); i < 2 * kEntries;
             i += static_cast<int>(blockDim.x)) {
            const int2 eight = reinterpret_cast<const int2*>(numbers)[i];
#pragma unroll
            for (int copy = 0; copy < kCopies; ++copy) {
                table[i * kCopies + copy] = eight;
            }
        }
    }

    /// The numbers of the word in 16 bits of `pair`, the upper ones or the lower.
    __device__ static int2 lookUp(uint32_t pair, bool isUpper, uint32_t copy) {
        constexpr uint32_t kMask = (kEntries - 1) * kRowBytes;
        const auto byteAt = [&](int bit) { // where the byte from there on points to
            return ((bit > kShift ? pair >> (bit - kShift) : pair << (kShift - bit)) & kMask) |
                   copy;
        };
        const int2 values = entryAt(byteAt(isUpper ? 24 : 8));
        const int2 signs = entryAt(kSigns + byteAt(isUpper ? 16 : 0));
        return {values.x ^ signs.x, values.y ^ signs.y};
    }

private:
    __device__ static int2 entryAt(uint32_t byte) {
        return *reinterpret_cast<const int2*>(reinterpret_cast<const char*>(tableMemory()) + byte);
    }
};

/// A row's eight numbers of a unit.
__device__ inline void decodeRow(E8pShape /*shape*/, const uint32_t* words, int row, uint32_t copy,
                                 int (&eight)[2]) {
    const int2 both = E8pShape::lookUp(words[row / 2], row % 2 != 0, copy);
    eight[0] = both.x;
    eight[1] = both.y;
}

} // namespace caldera::kernels::step
