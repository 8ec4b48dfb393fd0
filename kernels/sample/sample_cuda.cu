// As sampleToken() in sample_reference.cpp, to the bit: weights are whole numbers, so threads may
// add them in any order. What the reference finds by partial sorting is found here by halving the
// range of a key, bit by bit, until the sum of weights up to it is right.
#include "kernels/sample/sample_cuda.h"

#include <cmath>

#include "kernels/common/launch.cuh"
#include "kernels/common/warp.cuh"
#include "kernels/sample/weight.h"

namespace caldera::kernels::cuda {
namespace {

constexpr int kThreads = 1024;
constexpr int kWarps = kThreads / kWarpLanes;
static_assert(kWarps == kWarpLanes);
/// As in the reference, though nothing but time depends on them.
constexpr int32_t kFirstThreshold = kSampleUnit / 16;
constexpr int32_t kNextThreshold = 8;

__device__ int threadIndex() {
    return static_cast<int>(threadIdx.x);
}

/// The values of all threads joined; every thread gets the result.
template <class Join>
__device__ uint64_t joinThreads(uint64_t value, const Join& join) {
    __shared__ unsigned long long ofWarp[kWarps];
    const auto joinLanes = [&join](unsigned long long own) {
        for (int distance = kWarpLanes / 2; distance > 0; distance /= 2) {
            own = join(own, __shfl_xor_sync(kAllLanes, own, distance));
        }
        return own;
    };
    const unsigned long long own = joinLanes(value);
    __syncthreads(); // the array is no longer read
    if (threadIndex() % kWarpLanes == 0) {
        ofWarp[threadIndex() / kWarpLanes] = own;
    }
    __syncthreads();
    return joinLanes(ofWarp[threadIndex() % kWarpLanes]);
}

__device__ uint64_t sumOfThreads(uint64_t value) {
    return joinThreads(value, [](unsigned long long a, unsigned long long b) { return a + b; });
}

/// Calls use(i, values[i]) for every index below `count`; a thread's next values are under way
/// together, for one thread block has nothing else to wait with.
template <class Value, class Use>
__device__ void forAll(const Value* values, int count, const Use& use) {
    constexpr int kTogether = 8;
    int first = threadIndex();
    for (; first + (kTogether - 1) * kThreads < count; first += kTogether * kThreads) {
        Value own[kTogether];
#pragma unroll
        for (int i = 0; i < kTogether; ++i) {
            own[i] = values[first + i * kThreads];
        }
#pragma unroll
        for (int i = 0; i < kTogether; ++i) {
            use(first + i * kThreads, own[i]);
        }
    }
    for (; first < count; first += kThreads) {
        use(first, values[first]);
    }
}

/// What `measure` gives for every value, summed.
template <class Value, class Measure>
__device__ uint64_t sumOver(const Value* values, int count, const Measure& measure) {
    uint64_t sum = 0;
    forAll(values, count, [&](int, Value value) { sum += measure(value); });
    return sumOfThreads(sum);
}

/// Numbers in the order of the floats; 0 is below all of them. Zeros are equal, whatever their
/// sign.
__device__ uint32_t orderOf(float value) {
    const auto bits = static_cast<uint32_t>(__float_as_int(value == 0 ? 0.0F : value));
    return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}

__device__ float fromOrder(uint32_t order) {
    return __int_as_float(
        static_cast<int>((order & 0x80000000U) != 0 ? order & 0x7FFFFFFFU : ~order));
}

struct Largest {
    float value;
    int32_t token; ///< the first that has it
};

/// A NaN counts as the least; -inf when there is nothing else.
__device__ Largest largestOf(const float* logits, int vocabulary) {
    uint64_t best = static_cast<uint64_t>(orderOf(-INFINITY)) << 32;
    forAll(logits, vocabulary, [&best](int i, float value) {
        const uint64_t key =
            static_cast<uint64_t>(orderOf(value)) << 32 | ~static_cast<uint32_t>(i);
        best = !isnan(value) && key > best ? key : best;
    });
    best =
        joinThreads(best, [](unsigned long long a, unsigned long long b) { return a > b ? a : b; });
    return {fromOrder(static_cast<uint32_t>(best >> 32)),
            static_cast<int32_t>(~static_cast<uint32_t>(best))};
}

__device__ void penalise(const SampleRow& row, const int32_t* seen, float* logits, int vocabulary) {
    const double penalty = row.choice.penalty;
    for (int i = threadIndex(); i < row.seenCount; i += kThreads) {
        const int32_t token = seen[row.firstSeen + i];
        if (token >= 0 && token < vocabulary) {
            const float logit = logits[token];
            logits[token] = static_cast<float>(logit > 0 ? logit / penalty : logit * penalty);
        }
    }
    __syncthreads();
}

/// The share of a weight that must be reached.
__device__ uint64_t shareOf(double share, uint64_t weight) {
    const auto wanted = static_cast<uint64_t>(ceil(__dmul_rn(share, static_cast<double>(weight))));
    return wanted > 1 ? wanted : 1;
}

/// A token and its weight as one number: smaller for the likelier, of equals for the first.
struct Rank {
    int tokenBits; ///< of a token's number

    __device__ uint64_t of(int32_t weight, int token) const {
        return static_cast<uint64_t>(kSampleUnit - weight) << tokenBits |
               static_cast<uint64_t>(token);
    }
    __device__ uint64_t weight(uint64_t rank) const { return kSampleUnit - (rank >> tokenBits); }
    __device__ uint64_t token(uint64_t rank) const { return rank & ((1ULL << tokenBits) - 1); }
    __device__ int bits() const { return 30 + tokenBits; }
};

/// Tokens that may be chosen, in any order.
struct Candidates {
    const uint64_t* ranks;
    int count;

    /// The least key, of so many bits, up to which `measure` sums to `target`; the sum over all is
    /// as much.
    template <class Key, class Measure>
    __device__ uint64_t leastKey(int bits, uint64_t target, const Key& key,
                                 const Measure& measure) const {
        uint64_t low = 0;
        for (int bit = bits - 1; bit >= 0; --bit) {
            const uint64_t middle = low + (1ULL << bit);
            const uint64_t below = sumOver(ranks, count, [&](uint64_t rank) -> uint64_t {
                return key(rank) < middle ? measure(rank) : 0;
            });
            low = below < target ? middle : low;
        }
        return low;
    }
};

/// The least weight of candidates: top-k and top-p keep none below it.
__device__ int32_t leastCandidate(const SampleChoice& choice, const int32_t* weights,
                                  int vocabulary, uint64_t total) {
    if (choice.topK == 0 && choice.topP >= 1) {
        return choice.leastWeight;
    }
    const bool counts = choice.topK > 0;
    const uint64_t wanted =
        counts ? static_cast<uint64_t>(choice.topK) : shareOf(choice.topP, total);
    int32_t least = kFirstThreshold;
    while (least > 1) {
        const uint64_t found = sumOver(weights, vocabulary, [&](int32_t weight) -> uint64_t {
            return weight < least ? 0 : counts ? 1 : static_cast<uint64_t>(weight);
        });
        if (found >= wanted) {
            break;
        }
        least = max(1, least / kNextThreshold);
    }
    return least;
}

/// Writes the ranks of tokens of at least some weight; returns their number.
__device__ int collect(const int32_t* weights, int vocabulary, int32_t least, Rank rank,
                       uint64_t* ranks) {
    __shared__ int count;
    if (threadIndex() == 0) {
        count = 0;
    }
    __syncthreads();
    const int lane = threadIndex() % kWarpLanes;
    for (int first = threadIndex() - lane; first < vocabulary; first += kThreads) { // whole warps
        const int i = first + lane;
        const int32_t weight = i < vocabulary ? weights[i] : 0;
        const bool isOne = i < vocabulary && weight >= least;
        const unsigned ones = __ballot_sync(kAllLanes, isOne);
        int at = 0;
        if (lane == 0 && ones != 0) {
            at = atomicAdd(&count, __popc(ones));
        }
        at = __shfl_sync(kAllLanes, at, 0);
        if (isOne) {
            ranks[at + __popc(ones & ((1U << lane) - 1))] = rank.of(weight, i);
        }
    }
    __syncthreads();
    return count;
}

__device__ int32_t draw(const SampleChoice& choice, const Candidates& all, Rank rank,
                        uint64_t total) {
    const auto itself = [](uint64_t own) { return own; };
    const auto weight = [&rank](uint64_t own) { return rank.weight(own); };
    uint64_t last = ~0ULL; // rank of the least likely that is kept
    if (choice.topK > 0) {
        const int kept = min(choice.topK, all.count);
        last = all.leastKey(rank.bits(), static_cast<uint64_t>(kept), itself,
                            [](uint64_t) -> uint64_t { return 1; });
        total = sumOver(all.ranks, all.count, [&](uint64_t own) -> uint64_t {
            return own <= last ? rank.weight(own) : 0;
        });
    }
    if (choice.topP < 1) {
        last = all.leastKey(rank.bits(), shareOf(choice.topP, total), itself, weight);
    }
    const auto kept = [&](uint64_t own) -> uint64_t {
        const uint64_t its = rank.weight(own);
        return own <= last && its >= static_cast<uint64_t>(choice.leastWeight) ? its : 0;
    };
    const uint64_t place = __umul64hi(sumOver(all.ranks, all.count, kept), choice.random);
    return static_cast<int32_t>(all.leastKey(
        rank.tokenBits, place + 1, [&rank](uint64_t own) { return rank.token(own); }, kept));
}

__device__ int32_t tokenOf(const SampleRows& rows, int index) {
    const SampleRow& row = rows.rows[index];
    const SampleChoice& choice = row.choice;
    const int vocabulary = rows.vocabulary;
    float* logits = rows.logits + index * rows.stride;
    if (choice.penalty != 1) {
        penalise(row, rows.seen, logits, vocabulary);
    }
    const Largest largest = largestOf(logits, vocabulary);
    if (!isfinite(largest.value)) {
        return kNoToken;
    }
    if (choice.sharpness == 0) {
        return largest.token;
    }
    int32_t* weights = rows.weights + static_cast<int64_t>(index) * vocabulary;
    uint64_t sum = 0;
    forAll(logits, vocabulary, [&](int i, float logit) {
        weights[i] = sample::weightOf(logit, largest.value, choice.sharpness);
        sum += static_cast<uint64_t>(weights[i]);
    });
    const uint64_t total = sumOfThreads(sum);
    const int32_t least = leastCandidate(choice, weights, vocabulary, total);
    const Rank rank{32 - __clz(vocabulary)};
    uint64_t* ranks = rows.candidates + static_cast<int64_t>(index) * vocabulary;
    const int count = collect(weights, vocabulary, least, rank, ranks);
    return draw(choice, {ranks, count}, rank, total);
}

__global__ void __launch_bounds__(kThreads) sampleKernel(const __grid_constant__ SampleRows rows) {
    const int row = static_cast<int>(blockIdx.x);
    const int32_t token = tokenOf(rows, row);
    if (threadIndex() == 0) {
        rows.tokens[row] = token;
    }
}

} // namespace

void sampleTokens(const SampleRows& rows, CudaStream stream) {
    sampleKernel<<<static_cast<unsigned>(rows.count), kThreads, 0, stream>>>(rows);
    checkLaunch("choosing tokens");
}

} // namespace caldera::kernels::cuda
