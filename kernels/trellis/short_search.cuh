// The trellis encoder of one thread block for codes with fewer memory bits than new bits: several
// windows lead from each state to each, and only the cheapest of them can be part of a path. 256
// threads find these for all rows at once; one warp searches the paths.
#pragma once

#include <climits>
#include <cstdint>

#include "kernels/common/warp.cuh"
#include "kernels/trellis/group.cuh"

namespace caldera::kernels {

template <int kV, int kNewBits>
class TrellisShortSearch : public TrellisGroup<kV, kNewBits, 4> {
    using Group = TrellisGroup<kV, kNewBits, 4>;

public:
    using Group::kStates;
    using Group::kThreads;
    using typename Group::Table;
    static constexpr int kBlocksTogether = 4; ///< on a multiprocessor

    struct Shared : Group::GroupShared {
        /// What the cheapest window costs, by states before and after: see branchAt().
        alignas(16) int branch[kTrellisRows][kStates * kStates];
        alignas(16) int reached[2 * kTrellisRows + 1][kStates];
        uint8_t before[kTrellisRows]; ///< states that a path passes
        uint8_t after[kTrellisRows];
    };

    __device__ TrellisShortSearch(const Table& table, Shared& shared)
        : Group(table, shared), shared_(shared), thread_(static_cast<int>(threadIdx.x)) {}

    /// x [16][V] shared, divided by the scale, and visible to all threads. Afterwards
    /// shared.decoded holds the values, visible to all.
    __device__ void encode(const float (*x)[kV]) {
        this->prepare(x);
        __syncthreads();
        weighBranches();
        __syncthreads();
        if (thread_ < kWarpLanes) {
            findStates();
        }
        __syncthreads();
        findWindows();
        __syncthreads();
        this->decode();
    }

private:
    static constexpr int kMemoryBits = 4;
    static constexpr int kMiddles = 1 << (kNewBits - kMemoryBits); ///< from a state to a state
    static constexpr int kChunk = 16;                              ///< of them in registers
    static constexpr int kChunks = kMiddles / kChunk;
    static constexpr int kHalf = kStates / 2;
    static constexpr int kRowsPerThread = kTrellisRows * kStates * kHalf / kThreads;
    static constexpr int kNever = 1000000000; ///< above what a row can cost, no sum overflows

    __device__ static int entryOf(int from, int middle, int to) {
        return (to << kNewBits) | (middle << kMemoryBits) | from;
    }

    /// Place of a pair of states in a row's branches. A lane reads eight states before one state
    /// after as two vectors; the order keeps lanes of neighbouring states out of each other's
    /// banks.
    __device__ static int branchAt(int from, int to) {
        return to * kStates + ((((from >> 2) ^ (to >> 1)) & 3) << 2) + (from & 3);
    }

    __device__ int ownFrom() const { return thread_ % kStates; }
    __device__ int ownTo() const { return thread_ / kStates % kHalf; }

    /// A thread has the windows from one state to one state and its negative, in half of the rows.
    __device__ void weighBranches() {
        const int firstRow = thread_ / (kStates * kHalf) * kRowsPerThread;
#pragma unroll 1
        for (int chunk = 0; chunk < kChunks; ++chunk) {
            int words[kChunk / Group::kPerWord];
            int norms[kChunk];
#pragma unroll
            for (int i = 0; i < kChunk; ++i) {
                this->loadEntry(entryOf(ownFrom(), chunk * kChunk + i, ownTo()), i, words, norms);
            }
#pragma unroll 2
            for (int row = firstRow; row < firstRow + kRowsPerThread; ++row) {
                const int2 negated = shared_.negated[row];
                int low = INT_MAX;
                int lowNegative = INT_MAX;
#pragma unroll
                for (int i = 0; i < kChunk; ++i) {
                    const int g = this->gain(words, norms, i, negated);
                    low = min(low, g);
                    lowNegative = min(lowNegative, 2 * norms[i] - g);
                }
                const int sum = shared_.negatedSum[row];
                keepCheaper(shared_.branch[row][branchAt(ownFrom(), ownTo())], 2 * low + sum,
                            chunk);
                keepCheaper(shared_.branch[row][branchAt(ownFrom(), ownTo() + kHalf)],
                            2 * lowNegative - sum, chunk);
            }
        }
    }

    __device__ static void keepCheaper(int& kept, int cost, int chunk) {
        kept = chunk == 0 ? cost : min(kept, cost);
    }

    /// The states of the cheapest path that ends where it begins; where that is, is read off a free
    /// search over two turns. One warp.
    __device__ void findStates() {
        forward(2 * kTrellisRows, 0);
        const int last = thread_ % kStates;
        const int state =
            leastOfLanes(shared_.reached[2 * kTrellisRows][last], last).key; // lowest of several
        const int boundary = backward<false>(2 * kTrellisRows, state);
        forward(kTrellisRows, thread_ % kStates == boundary ? 0 : kNever);
        backward<true>(kTrellisRows, boundary);
    }

    /// `start`: what it costs to begin in state lane % 16. The two halves of the warp share the
    /// states before.
    __device__ void forward(int steps, int start) {
        const int to = thread_ % kStates;
        const int firstFrom = thread_ / kStates * kHalf;
        int reached = start;
        if (thread_ < kStates) {
            shared_.reached[0][to] = start;
        }
#pragma unroll 4
        for (int step = 0; step < steps; ++step) {
            const int* row = shared_.branch[step % kTrellisRows];
            const int4 a = *reinterpret_cast<const int4*>(row + branchAt(firstFrom, to));
            const int4 b = *reinterpret_cast<const int4*>(row + branchAt(firstFrom + 4, to));
            const auto before = [&](int i) {
                return __shfl_sync(kAllLanes, reached, firstFrom + i);
            };
            const int first =
                min(min(before(0) + a.x, before(1) + a.y), min(before(2) + a.z, before(3) + a.w));
            const int second =
                min(min(before(4) + b.x, before(5) + b.y), min(before(6) + b.z, before(7) + b.w));
            const int least = min(first, second);
            reached = min(least, __shfl_xor_sync(kAllLanes, least, kStates));
            if (thread_ < kStates) {
                shared_.reached[step + 1][to] = reached;
            }
        }
        __syncwarp();
    }

    /// Follows the cheapest branches (of several the one from the lowest state) back over one turn
    /// from the state that step `end` ends in. Returns the state that the turn begins in.
    template <bool kNotes>
    __device__ int backward(int end, int state) {
        const int from = thread_ % kStates;
#pragma unroll 4
        for (int row = kTrellisRows - 1; row >= 0; --row) {
            const int cost = shared_.reached[end - kTrellisRows + row][from] +
                             shared_.branch[row][branchAt(from, state)];
            const int source = leastOfLanes(cost, from).key;
            if (kNotes && thread_ == 0) {
                shared_.before[row] = static_cast<uint8_t>(source);
                shared_.after[row] = static_cast<uint8_t>(state);
            }
            state = source;
        }
        return state;
    }

    /// The window of each row: the lowest of those that cost what the branch does. Sixteen threads
    /// share a row.
    __device__ void findWindows() {
        const int row = thread_ / kStates;
        const int from = shared_.before[row];
        const int to = shared_.after[row];
        const int2 negated = shared_.negated[row];
        const int sum = shared_.negatedSum[row];
        const int wanted = shared_.branch[row][branchAt(from, to)];
        int lowest = INT_MAX;
        for (int middle = thread_ % kStates; middle < kMiddles; middle += kStates) {
            int word[1];
            int norm[1];
            this->loadEntry(entryOf(from, middle, to % kHalf), 0, word, norm);
            const int g = this->gain(word, norm, 0, negated);
            const int cost = to < kHalf ? 2 * g + sum : 2 * (2 * norm[0] - g) - sum;
            lowest = min(lowest, cost == wanted ? middle : INT_MAX);
        }
        for (int distance = kStates / 2; distance > 0; distance /= 2) {
            lowest = min(lowest, __shfl_xor_sync(kAllLanes, lowest, distance));
        }
        if (thread_ % kStates == 0) {
            shared_.window[row] = static_cast<uint32_t>(entryOf(from, lowest, to));
        }
    }

    Shared& shared_;
    int thread_;
};

} // namespace caldera::kernels
