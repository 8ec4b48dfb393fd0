#include "core/runtime/thread_pool.h"

#include <sched.h>

#include <atomic>
#include <numeric>
#include <thread>
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

/// The cores that each thread of a pool may use, by thread.
std::vector<std::vector<int>> coresOf(ThreadPool& pool) {
    std::vector<std::vector<int>> cores(static_cast<size_t>(pool.size()));
    std::atomic<int> there{0};
    pool.run(pool.size(), [&](int64_t, int thread) {
        cores[static_cast<size_t>(thread)] = coreNumbers();
        ++there;
        while (there < pool.size()) { // so that every thread has one unit
            std::this_thread::yield();
        }
    });
    return cores;
}

TEST(ThreadPool, PinsItsOwnThreadsWithinTheCallersCores) {
    const std::vector<int> all = coreNumbers();
    ThreadPool pool(0, Pinning::Pinned);
    const auto cores = coresOf(pool);
    EXPECT_EQ(cores.front(), all) << "the caller's thread is not the pool's";
    for (size_t thread = 1; thread < cores.size(); ++thread) {
        EXPECT_EQ(cores[thread], std::vector<int>{all[thread]});
    }
    EXPECT_EQ(coreNumbers(), all);
}

TEST(ThreadPool, LeavesThreadsFreeWhereTheyAreMoreThanCoresOrNotToBePinned) {
    const std::vector<int> all = coreNumbers();
    ThreadPool many(availableCores() + 1, Pinning::Pinned);
    for (const auto& cores : coresOf(many)) {
        EXPECT_EQ(cores, all);
    }
    ThreadPool unpinned(0);
    for (const auto& cores : coresOf(unpinned)) {
        EXPECT_EQ(cores, all);
    }
}

TEST(ThreadPool, StaysWithinAMaskOfOneCore) {
    std::thread([first = coreNumbers().front()] {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<size_t>(first), &one);
        ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
        EXPECT_EQ(ThreadPool(0, Pinning::Pinned).size(), 1);
        ThreadPool two(2, Pinning::Pinned);
        for (const auto& cores : coresOf(two)) {
            EXPECT_EQ(cores, std::vector<int>{first});
        }
    }).join();
}

TEST(ThreadPool, TakesAllCoresWhenAskedForNone) {
    EXPECT_EQ(ThreadPool(0).size(), availableCores());
}

} // namespace
} // namespace caldera
