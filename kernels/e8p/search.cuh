// The E8P encoder of one thread block: 16 rows of one column block, by comparing with all 256
// entries. Exact in int32, so it returns the reference's words.
#pragma once

#include <climits>
#include <cstdint>

#include "kernels/common/device_copy.h"
#include "kernels/common/warp.cuh"
#include "kernels/e8p/e8p.h"
#include "kernels/e8p/search_entries.h"

namespace caldera::kernels {

/// What a launch gets by value.
struct E8pSearchTable {
    const uint32_t* entries = nullptr; ///< e8pSearchEntries() on the device
};

/// One warp finds the word of one vector.
class E8pWarpSearch {
public:
    struct Found {
        uint32_t code = 0;
        float decoded = 0; ///< in lane j < 8: coordinate j
    };

    __device__ explicit E8pWarpSearch(const uint32_t* entries)
        : entries_(entries), lane_(static_cast<int>(threadIdx.x) % kWarpLanes) {}

    /// x [8], the same for all lanes. Every lane returns the word.
    __device__ Found find(const float* x) const {
        int fixed[kE8pWidth];
        int sum = 0;
#pragma unroll
        for (int j = 0; j < kE8pWidth; ++j) {
            fixed[j] = x[j] == x[j] // NaN is 0
                           ? __float2int_rn(fminf(fmaxf(x[j], -16.0F), 16.0F) * kOne)
                           : 0;
            sum += fixed[j];
        }
        const Side plus = nearest(fixed, -kOne / 4);
        const Side minus = nearest(fixed, kOne / 4);
        // Scores of the two shifts differ by the vectors' own lengths.
        const bool isMinus = minus.score - sum > plus.score;
        return word(isMinus ? minus : plus, isMinus);
    }

private:
    static constexpr int kEntries = 256;
    static constexpr int kOne = 1 << 14;

    struct Side {
        int score;
        int entry;
        uint32_t negative; ///< bit j: coordinate j of the point is negative
    };

    __device__ static int twice(uint32_t entry, int j) {
        return static_cast<int>((entry >> (4 * j)) & 0x7U);
    }

    /// The best point among those with one shift: the best signs change one coordinate, the
    /// cheapest, when the parity of the sum asks for it.
    __device__ Side nearest(const int* fixed, int shift) const {
        int magnitude[kE8pWidth];
        uint32_t negative = 0;
#pragma unroll
        for (int j = 0; j < kE8pWidth; ++j) {
            const int shifted = fixed[j] + shift;
            negative |= shifted < 0 ? 1U << j : 0U;
            magnitude[j] = abs(shifted);
        }
        const uint32_t oddNegatives = __popc(negative) & 1U;
        int best = INT_MIN;
        int bestEntry = 0;
#pragma unroll 2
        for (int i = lane_; i < kEntries; i += kWarpLanes) {
            const uint32_t entry = entries_[i];
            int total = 0;
            int least = INT_MAX;
#pragma unroll
            for (int j = 0; j < kE8pWidth; ++j) {
                const int v = twice(entry, j);
                const int product = magnitude[j] * v;
                total += product - v * v * (kOne / 4);
                least = min(least, product);
            }
            total -= (entry >> 31) != oddNegatives ? 2 * least : 0;
            if (total > best) {
                best = total;
                bestEntry = i;
            }
        }
        const LeastOf found = leastOfLanes(-best, bestEntry);
        const uint32_t entry = entries_[found.key];
        if ((entry >> 31) != oddNegatives) {
            negative ^= 1U << cheapest(magnitude, entry);
        }
        return {-found.value, found.key, negative};
    }

    /// Of equally cheap sign changes the one with the smallest codeword.
    __device__ static int cheapest(const int* magnitude, uint32_t entry) {
        int least = magnitude[7] * twice(entry, 7);
        int where = 7;
        const auto consider = [&](int j) {
            const int cost = magnitude[j] * twice(entry, j);
            if (cost < least) {
                least = cost;
                where = j;
            }
        };
        consider(0);
        consider(2);
        consider(4);
        consider(6);
        consider(1);
        consider(3);
        consider(5);
        return where;
    }

    __device__ Found word(const Side& side, bool isMinus) const {
        const uint32_t entry = entries_[side.entry];
        uint32_t signs = 0; // slots 0..3 belong to the even coordinates, 4..7 to the odd ones
#pragma unroll
        for (int slot = 0; slot < kE8pWidth; ++slot) {
            const int j = slot < 4 ? 2 * slot : 2 * slot - 7;
            signs |= ((side.negative >> j) & 1U) << slot;
        }
        signs ^= (entry >> 31) << 7;
        signs ^= isMinus ? 1U : 0U;
        Found found;
        found.code = (static_cast<uint32_t>(side.entry) << 8) | signs;
        const int j = lane_ % kE8pWidth;
        const float half = 0.5F * static_cast<float>(twice(entry, j));
        found.decoded =
            (((side.negative >> j) & 1U) != 0 ? -half : half) + (isMinus ? -0.25F : 0.25F);
        return found;
    }

    const uint32_t* entries_;
    int lane_;
};

/// A group: two rows a warp.
class E8pSearch {
public:
    static constexpr int kColumns = kE8pWidth;
    static constexpr int kThreads = 256;
    static constexpr int kGroupBytes = 2 * kE8pGroupRows;
    static constexpr int kBlocksTogether = 4; ///< on a multiprocessor
    /// Every row is accepted on its own.
    static constexpr bool kRowsAlone = true;

    using Table = E8pSearchTable;
    struct Shared {
        uint16_t code[kE8pGroupRows];
        float decoded[kE8pGroupRows][kE8pWidth];
    };

    __device__ E8pSearch(const Table& table, Shared& shared)
        : search_(table.entries), shared_(shared) {}

    /// x [16][8] shared and visible to all threads. Afterwards shared.decoded holds the values,
    /// visible to all.
    __device__ void encode(const float (*x)[kE8pWidth]) {
        const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
        const int warp = static_cast<int>(threadIdx.x) / kWarpLanes;
#pragma unroll 1
        for (int row = warp; row < kE8pGroupRows; row += kThreads / kWarpLanes) {
            const E8pWarpSearch::Found found = search_.find(x[row]);
            if (lane < kE8pWidth) {
                shared_.decoded[row][lane] = found.decoded;
            }
            if (lane == 0) {
                shared_.code[row] = static_cast<uint16_t>(found.code);
            }
        }
        __syncthreads();
    }

    /// Writes the words of the rows that accepts(row) names; `codes` is aligned to 2 bytes.
    template <class Accepts>
    __device__ void store(uint8_t* codes, const Accepts& accepts) const {
        const int row = static_cast<int>(threadIdx.x);
        if (row < kE8pGroupRows && accepts(row)) {
            reinterpret_cast<uint16_t*>(codes)[row] = shared_.code[row];
        }
    }

private:
    E8pWarpSearch search_;
    Shared& shared_;
};

inline E8pSearchTable e8pDeviceTable() {
    return {static_cast<const uint32_t*>(deviceCopy(e8pSearchEntries(), 256 * sizeof(uint32_t)))};
}

namespace cuda {

/// A warp has one vector at a time.
static __global__ void e8pEncodeKernel(const __grid_constant__ E8pSearchTable table,
                                       const float* __restrict__ x, int64_t count,
                                       uint16_t* __restrict__ codes, float* __restrict__ decoded) {
    const E8pWarpSearch search(table.entries);
    const int lane = static_cast<int>(threadIdx.x) % kWarpLanes;
    const int warps = static_cast<int>(blockDim.x) / kWarpLanes;
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * warps + threadIdx.x / kWarpLanes; i < count;
         i += static_cast<int64_t>(gridDim.x) * warps) {
        const E8pWarpSearch::Found found = search.find(x + i * kE8pWidth);
        if (lane < kE8pWidth) {
            decoded[i * kE8pWidth + lane] = found.decoded;
        }
        if (lane == 0) {
            codes[i] = static_cast<uint16_t>(found.code);
        }
    }
}

} // namespace cuda

} // namespace caldera::kernels
