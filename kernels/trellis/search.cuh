// The trellis encoder of one thread block: 256 threads search the windows of one group. The table
// lies in their registers, so a row costs two dot products of two values for each entry.
#pragma once

#include <climits>
#include <cstdint>

#include "kernels/common/warp.cuh"
#include "kernels/trellis/trellis.h"
#include "kernels/trellis/windows.h"

namespace caldera::kernels {

/// What a launch gets by value.
struct TrellisSearchTable {
    const int8_t* entries = nullptr; ///< device, [2^(k + m - 1), V]
    float inputFactor = 0;
    float step = 0;
};

/// Costs are kept as half of what the specification says, with the sign symmetry taken out: with
/// c = 2 e + 1, n = 16 sum c^2 and g = n - sum e X, half a cost is 2 g - sum X for the window
/// as it is and 2 (2 n - g) + sum X for its negative.
template <int kV, int kNewBits, int kMemoryBits>
class TrellisSearch {
public:
    static constexpr int kColumns = kV;
    static constexpr int kThreads = 256;
    static constexpr int kGroupBytes = 2 * kNewBits;
    /// Codes are accepted by whole groups.
    static constexpr bool kRowsAlone = false;

    static constexpr int kStates = 1 << kMemoryBits;
    static constexpr int kWarps = kThreads / kWarpLanes;
    /// A warp has the windows that end in its states, and in the negatives of these.
    static constexpr int kOwnStates = kStates / 2 / kWarps;
    /// A lane has the windows that begin in its states; lanes with the same states share the
    /// windows between two states evenly.
    static constexpr int kBegins = kStates < kWarpLanes ? kStates : kWarpLanes;
    static constexpr int kOwnBegins = kStates / kBegins;
    static constexpr int kMiddles = (1 << (kNewBits - kMemoryBits)) * kBegins / kWarpLanes;
    static constexpr int kEntries = kOwnStates * kOwnBegins * kMiddles;
    /// On a multiprocessor, as far as its registers reach.
    static constexpr int kBlocksTogether = kEntries <= 8 ? 4 : 2;
    static_assert(kEntries * kThreads == 1 << (kNewBits + kMemoryBits - 1));
    static_assert(kV == 4 || kEntries % 2 == 0);

    using Table = TrellisSearchTable;
    struct Shared {
        int2 negated[kTrellisRows];   ///< -X of columns 0, 1 and 2, 3 as pairs of int16
        int negatedSum[kTrellisRows]; ///< -sum X
        int reached[kTrellisRows + 1][kStates];
        uint32_t window[kTrellisRows];
        float decoded[kTrellisRows][kV];
    };

    __device__ TrellisSearch(const Table& table, Shared& shared)
        : table_(table), shared_(shared), lane_(static_cast<int>(threadIdx.x) % kWarpLanes),
          warp_(static_cast<int>(threadIdx.x) / kWarpLanes) {
#pragma unroll
        for (int i = 0; i < kWords; ++i) {
            words_[i] = 0;
        }
#pragma unroll
        for (int i = 0; i < kEntries; ++i) {
            const int middle = i % kMiddles;
            const int begin = i / kMiddles % kOwnBegins;
            const int state = warp_ * kOwnStates + i / kMiddles / kOwnBegins;
            const int entry = (state << kNewBits) | lowBits(begin, middle);
            int norm = 0;
#pragma unroll
            for (int j = 0; j < kV; ++j) {
                const int e = table.entries[entry * kV + j];
                const int place = (i % kPerWord * kV + j) * 8;
                words_[i / kPerWord] |= static_cast<int>((e & 0xFFU) << place);
                norm += (2 * e + 1) * (2 * e + 1);
            }
            norms_[i] = norm << (kTrellisFractionBits - 2);
        }
    }

    /// x [16][V] shared, divided by the scale, and visible to all threads. Afterwards
    /// shared.decoded holds the values, visible to all.
    __device__ void encode(const float (*x)[kV]) {
        prepare(x);
        start(0, kNoState); // every state is as good to begin in
        forward(kTrellisRows - kTrellisFirstPassRows);
        backward(kTrellisRows - kTrellisFirstPassRows, kTrellisFirstPassRows, cheapestState());
        const int boundary = static_cast<int>(shared_.window[0]) & (kStates - 1);
        start(kNever, boundary);
        forward(0);
        backward(0, kTrellisRows, boundary);
        decode();
    }

    /// Writes the group's codes at `codes`, which is aligned to 4 bytes. `accepts` (by row) is not
    /// asked: the caller stores whole groups.
    template <class Accepts>
    __device__ void store(uint8_t* codes, const Accepts&) const {
        const int word = static_cast<int>(threadIdx.x);
        if (word >= kGroupBytes / 4) {
            return;
        }
        uint32_t bits = 0;
        for (int row = 0; row < kTrellisRows; ++row) {
            const int place = row * kNewBits - 32 * word;
            const uint32_t symbol = shared_.window[row] >> kMemoryBits;
            if (place > -kNewBits && place < 32) {
                bits |= place >= 0 ? symbol << place : symbol >> -place;
            }
        }
        reinterpret_cast<uint32_t*>(codes)[word] = bits;
    }

private:
    static constexpr int kPerWord = 4 / kV; ///< entries in a 32-bit word
    static constexpr int kWords = kEntries / kPerWord;
    static constexpr int kNever = 1000000000; ///< above what a row can cost, no sum overflows
    static constexpr int kNoState = -1;

    /// The bits of a window below those of the state it ends in.
    __device__ int lowBits(int begin, int middle) const {
        const int part = lane_ / kBegins;
        return beginState(begin) | ((part * kMiddles + middle) << kMemoryBits);
    }
    __device__ int beginState(int begin) const {
        return lane_ % kBegins + begin * kWarpLanes;
    }

    /// n - sum e X of entry i, a constant after unrolling.
    __device__ int gain(int i, int2 negated) const {
        const int word = words_[i / kPerWord];
        if constexpr (kV == 4) {
            return __dp2a_hi(negated.y, word, __dp2a_lo(negated.x, word, norms_[i]));
        } else {
            return i % 2 == 0 ? __dp2a_lo(negated.x, word, norms_[i])
                              : __dp2a_hi(negated.x, word, norms_[i]);
        }
    }

    __device__ void prepare(const float (*x)[kV]) {
        const int row = static_cast<int>(threadIdx.x);
        if (row < kTrellisRows) {
            int negated[4] = {};
            for (int j = 0; j < kV; ++j) {
                const float scaled = x[row][j] * table_.inputFactor;
                negated[j] = scaled == scaled // NaN is 0
                                 ? -__float2int_rn(fminf(fmaxf(scaled, -32767.0F), 32767.0F))
                                 : 0;
            }
            shared_.negated[row] = make_int2((negated[0] & 0xFFFF) | (negated[1] << 16),
                                             (negated[2] & 0xFFFF) | (negated[3] << 16));
            shared_.negatedSum[row] = negated[0] + negated[1] + negated[2] + negated[3];
        }
    }

    /// What it costs to begin: nothing in `boundary`, `others` elsewhere.
    __device__ void start(int others, int boundary) {
        const int state = static_cast<int>(threadIdx.x);
        if (state < kStates) {
            shared_.reached[0][state] = state == boundary ? 0 : others;
        }
        __syncthreads();
    }

    __device__ void forward(int firstRow) {
#pragma unroll 1
        for (int step = 0; step < kTrellisRows; ++step) {
            const int row = (firstRow + step) % kTrellisRows;
            const int2 negated = shared_.negated[row];
            const int sum = shared_.negatedSum[row];
            int before[kOwnBegins];
#pragma unroll
            for (int begin = 0; begin < kOwnBegins; ++begin) {
                before[begin] = shared_.reached[step][beginState(begin)];
            }
#pragma unroll
            for (int own = 0; own < kOwnStates; ++own) {
                int plus = INT_MAX;
                int minus = INT_MAX;
#pragma unroll
                for (int begin = 0; begin < kOwnBegins; ++begin) {
                    int low = INT_MAX;
                    int lowNegative = INT_MAX;
#pragma unroll
                    for (int middle = 0; middle < kMiddles; ++middle) {
                        const int i = (own * kOwnBegins + begin) * kMiddles + middle;
                        const int g = gain(i, negated);
                        low = min(low, g);
                        lowNegative = min(lowNegative, 2 * norms_[i] - g);
                    }
                    plus = min(plus, 2 * low + before[begin]);
                    minus = min(minus, 2 * lowNegative + before[begin]);
                }
                plus = __reduce_min_sync(kAllLanes, plus) + sum;
                minus = __reduce_min_sync(kAllLanes, minus) - sum;
                if (lane_ == 0) {
                    const int state = warp_ * kOwnStates + own;
                    shared_.reached[step + 1][state] = plus;
                    shared_.reached[step + 1][state + kStates / 2] = minus;
                }
            }
            __syncthreads();
        }
    }

    /// The state that all rows end in at the least cost; the lowest of several.
    __device__ int cheapestState() const {
        int best = INT_MAX;
        int state = 0;
        for (int candidate = lane_; candidate < kStates; candidate += kWarpLanes) {
            const int cost = shared_.reached[kTrellisRows][candidate];
            if (cost < best) {
                best = cost;
                state = candidate;
            }
        }
        return leastOfLanes(best, state).key;
    }

    /// Follows the cheapest windows back over the last `steps` rows from the state at the end.
    __device__ void backward(int firstRow, int steps, int state) {
#pragma unroll 1
        for (int step = kTrellisRows - 1; step >= kTrellisRows - steps; --step) {
            const int row = (firstRow + step) % kTrellisRows;
            if (state % (kStates / 2) / kOwnStates == warp_) {
                findWindow(row, step, state);
            }
            __syncthreads();
            state = static_cast<int>(shared_.window[row]) & (kStates - 1);
        }
    }

    /// The cheapest window that ends in `state`; the lowest of several.
    __device__ void findWindow(int row, int step, int state) {
        const int2 negated = shared_.negated[row];
        const bool negative = state >= kStates / 2;
        int best = INT_MAX;
        int bits = 0;
#pragma unroll
        for (int own = 0; own < kOwnStates; ++own) {
            // Compared, not skipped: a branch would make the registers an indexed array in memory.
            const bool isWanted = own == state % kOwnStates;
#pragma unroll
            for (int middle = 0; middle < kMiddles; ++middle) {
#pragma unroll
                for (int begin = 0; begin < kOwnBegins; ++begin) {
                    const int i = (own * kOwnBegins + begin) * kMiddles + middle;
                    const int g = gain(i, negated);
                    const int cost = 2 * (negative ? 2 * norms_[i] - g : g) +
                                     shared_.reached[step][beginState(begin)];
                    if (isWanted && cost < best) {
                        best = cost;
                        bits = lowBits(begin, middle);
                    }
                }
            }
        }
        const LeastOf least = leastOfLanes(best, bits);
        if (lane_ == 0) {
            shared_.window[row] = static_cast<uint32_t>((state << kNewBits) | least.key);
        }
    }

    __device__ void decode() {
        const int i = static_cast<int>(threadIdx.x);
        if (i < kTrellisRows * kV) {
            constexpr uint32_t kTop = 1U << (kNewBits + kMemoryBits - 1);
            const uint32_t window = shared_.window[i / kV];
            const int e = table_.entries[(window & (kTop - 1)) * kV + i % kV];
            const int value = (window & kTop) != 0 ? ~e : e;
            shared_.decoded[i / kV][i % kV] = (static_cast<float>(value) + 0.5F) * table_.step;
        }
        __syncthreads();
    }

    Table table_;
    Shared& shared_;
    int lane_;
    int warp_;
    int words_[kWords];
    int norms_[kEntries];
};

} // namespace caldera::kernels
