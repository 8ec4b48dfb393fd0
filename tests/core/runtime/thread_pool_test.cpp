#include "core/runtime/thread_pool.h"

#include <atomic>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace caldera {
namespace {

TEST(ThreadPool, DoesEveryUnitOnceForAnyNumberOfThreads) {
    for (const int threads : {1, 2, 3, 5}) {
        ThreadPool pool(threads);
        ASSERT_EQ(pool.size(), threads);
        for (const int64_t units : {0, 1, 2, 7, 1000}) {
            std::vector<std::atomic<int>> visits(static_cast<size_t>(units));
            std::atomic<bool> isThreadInRange{true};
            pool.run(units, [&](int64_t unit, int thread) {
                ++visits[static_cast<size_t>(unit)];
                if (thread < 0 || thread >= threads) {
                    isThreadInRange = false;
                }
            });
            EXPECT_TRUE(isThreadInRange);
            for (const auto& count : visits) {
                ASSERT_EQ(count, 1);
            }
        }
    }
}

TEST(ThreadPool, FinishesOneRunBeforeTheNext) {
    ThreadPool pool(3);
    std::vector<int64_t> values(64, 0);
    for (int64_t round = 1; round <= 3000; ++round) {
        pool.run(64, [&](int64_t unit, int) {
            auto& value = values[static_cast<size_t>(unit)];
            value = value == round - 1 ? round : -1000000;
        });
    }
    EXPECT_EQ(std::accumulate(values.begin(), values.end(), int64_t{0}), 64 * 3000);
}

TEST(ThreadPool, TakesAllCoresWhenAskedForNone) {
    EXPECT_EQ(ThreadPool(0).size(), availableCores());
}

} // namespace
} // namespace caldera
