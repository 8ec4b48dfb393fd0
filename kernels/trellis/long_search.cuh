// The trellis encoder of one thread block for codes with as many memory bits as new bits: one
// window leads from each state to each. The table lies in the registers of 256 threads.
#pragma once

#include <climits>
#include <cstdint>

#include "kernels/common/warp.cuh"
#include "kernels/trellis/group.cuh"

namespace caldera::kernels {

template <int kV, int kBits>
class TrellisLongSearch : public TrellisGroup<kV, kBits, kBits> {
    using Group = TrellisGroup<kV, kBits, kBits>;

public:
    using Group::kStates;
    using Group::kThreads;
    using typename Group::Table;
    static constexpr int kBlocksTogether = 4; ///< on a multiprocessor

    struct Shared : Group::GroupShared {
        int reached[2 * kTrellisRows + 1][kStates];
    };

    __device__ TrellisLongSearch(const Table& table, Shared& shared)
        : Group(table, shared), shared_(shared), lane_(static_cast<int>(threadIdx.x) % kWarpLanes),
          warp_(static_cast<int>(threadIdx.x) / kWarpLanes) {
#pragma unroll
        for (int i = 0; i < kEntries; ++i) {
            const int state = warp_ * kOwnStates + i / kOwnBegins;
            this->loadEntry((state << kBits) | beginState(i % kOwnBegins), i, words_, norms_);
        }
    }

    /// x [16][V] shared, divided by the scale, and visible to all threads. Afterwards
    /// shared.decoded holds the values, visible to all.
    __device__ void encode(const float (*x)[kV]) {
        this->prepare(x);
        // Which state to begin and end in is read off a free search over two turns.
        start(0, kNoState);
        forward(2 * kTrellisRows);
        backward(2 * kTrellisRows, cheapestState());
        const int boundary = static_cast<int>(shared_.window[0]) & (kStates - 1);
        start(kNever, boundary);
        forward(kTrellisRows);
        backward(kTrellisRows, boundary);
        this->decode();
    }

private:
    /// A warp has the windows that end in its states, and in the negatives of these; a lane those
    /// that begin in its states.
    static constexpr int kOwnStates = kStates / 2 / (kThreads / kWarpLanes);
    static constexpr int kOwnBegins = kStates / kWarpLanes;
    static constexpr int kEntries = kOwnStates * kOwnBegins;
    static_assert(kEntries * kThreads == 1 << (2 * kBits - 1));
    static constexpr int kNever = 1000000000; ///< above what a row can cost, no sum overflows
    static constexpr int kNoState = -1;

    __device__ int beginState(int begin) const {
        return lane_ + begin * kWarpLanes;
    }

    /// What it costs to begin: nothing in `boundary`, `others` elsewhere.
    __device__ void start(int others, int boundary) {
        const int state = static_cast<int>(threadIdx.x);
        if (state < kStates) {
            shared_.reached[0][state] = state == boundary ? 0 : others;
        }
        __syncthreads();
    }

    __device__ void forward(int steps) {
#pragma unroll 1
        for (int step = 0; step < steps; ++step) {
            const int2 negated = shared_.negated[step % kTrellisRows];
            const int sum = shared_.negatedSum[step % kTrellisRows];
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
                    const int i = own * kOwnBegins + begin;
                    const int g = this->gain(words_, norms_, i, negated);
                    plus = min(plus, 2 * g + before[begin]);
                    minus = min(minus, 2 * (2 * norms_[i] - g) + before[begin]);
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

    /// The state that two turns end in at the least cost; the lowest of several.
    __device__ int cheapestState() const {
        int best = INT_MAX;
        int state = 0;
        for (int candidate = lane_; candidate < kStates; candidate += kWarpLanes) {
            const int cost = shared_.reached[2 * kTrellisRows][candidate];
            if (cost < best) {
                best = cost;
                state = candidate;
            }
        }
        return leastOfLanes(best, state).key;
    }

    /// Follows the cheapest windows back over one turn from the state that step `end` ends in.
    __device__ void backward(int end, int state) {
#pragma unroll 1
        for (int row = kTrellisRows - 1; row >= 0; --row) {
            if (state % (kStates / 2) / kOwnStates == warp_) {
                findWindow(row, end - kTrellisRows + row, state);
            }
            __syncthreads();
            state = static_cast<int>(shared_.window[row]) & (kStates - 1);
        }
    }

    /// The cheapest window that ends in `state`; of several the one from the lowest state.
    __device__ void findWindow(int row, int step, int state) {
        const int2 negated = shared_.negated[row];
        const bool negative = state >= kStates / 2;
        int best = INT_MAX;
        int from = 0;
#pragma unroll
        for (int own = 0; own < kOwnStates; ++own) {
            // Compared, not skipped: a branch would make the registers an indexed array in memory.
            const bool isWanted = own == state % kOwnStates;
#pragma unroll
            for (int begin = 0; begin < kOwnBegins; ++begin) {
                const int i = own * kOwnBegins + begin;
                const int g = this->gain(words_, norms_, i, negated);
                const int cost = 2 * (negative ? 2 * norms_[i] - g : g) +
                                 shared_.reached[step][beginState(begin)];
                if (isWanted && cost < best) {
                    best = cost;
                    from = beginState(begin);
                }
            }
        }
        const LeastOf least = leastOfLanes(best, from);
        if (lane_ == 0) {
            shared_.window[row] = static_cast<uint32_t>((state << kBits) | least.key);
        }
    }

    Shared& shared_;
    int lane_;
    int warp_;
    int words_[kEntries / Group::kPerWord];
    int norms_[kEntries];
};

} // namespace caldera::kernels
