#include "core/runtime/read_bandwidth.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "core/base/elapsed.h"
#include "core/runtime/thread_pool.h"

namespace caldera {

namespace {

constexpr int64_t kBytes = int64_t{256} << 20; // more than any processor's caches
constexpr int64_t kUnitWords = int64_t{1} << 17;
constexpr int kPasses = 6;

/// Several sums, so that adding waits for no other addition.
uint64_t sumOf(const uint64_t* words, int64_t count) {
    constexpr int64_t kSums = 8;
    uint64_t sums[kSums] = {};
    for (int64_t i = 0; i < count; i += kSums) {
        for (int64_t j = 0; j < kSums; ++j) {
            sums[j] += words[i + j];
        }
    }
    uint64_t sum = 0;
    for (const uint64_t part : sums) {
        sum += part;
    }
    return sum;
}

} // namespace

double measureReadBandwidth(int threads) {
    ThreadPool pool(threads);
    const std::vector<uint64_t> words(kBytes / sizeof(uint64_t), 1);
    const auto units = static_cast<int64_t>(words.size()) / kUnitWords;
    double best = 0;
    for (int pass = 0; pass < kPasses; ++pass) {
        std::atomic<uint64_t> sum = 0;
        const auto start = std::chrono::steady_clock::now();
        pool.run(units, [&](int64_t unit, int) {
            sum += sumOf(words.data() + unit * kUnitWords, kUnitWords);
        });
        const double seconds = secondsSince(start);
        // The sum is used, so the reads cannot be left out.
        if (sum == words.size() && seconds > 0) {
            best = std::max(best, static_cast<double>(kBytes) / seconds);
        }
    }
    return best;
}

} // namespace caldera
