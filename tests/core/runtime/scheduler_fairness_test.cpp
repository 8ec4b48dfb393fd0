// Who gets what when several want it.
#include "core/runtime/scheduler.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "tests/core/runtime/scheduler_fixture.h"

namespace caldera {
namespace {

using namespace test;

TEST_F(SchedulerTest, LetsOthersWaitWhenThePoolIsFull) {
    open({.slots = 4, .pool = 256});
    std::vector<Ask> asks;
    for (int i = 0; i < 6; ++i) {
        asks.push_back({promptOf(i, 60), 30}); // two pages, so two at once
    }
    auto results = askTogether(asks);
    gate_.open();
    for (size_t i = 0; i < asks.size(); ++i) {
        EXPECT_EQ(results[i].get().tokens, FakeBackend::answerTo(asks[i].prompt, 30)) << i;
    }
    for (const FakeBackend::Call& call : fake_->calls()) {
        EXPECT_LE(call.slots.size(), 2U);
    }
    EXPECT_LE(scheduler_->statistics().usedTokens, 256);
}

TEST_F(SchedulerTest, LetsNobodyOvertakeInTheQueue) {
    open({.slots = 2, .pool = 256});
    // The second needs the whole pool, so the third waits although it would fit.
    auto results = askTogether({{promptOf(1, 60), 4}, {promptOf(2, 200), 4}, {promptOf(3, 5), 4}});
    gate_.open();
    for (auto& result : results) {
        result.wait();
    }
    std::vector<size_t> firstBatches;
    for (const FakeBackend::Call& call : fake_->calls()) {
        if (!call.isStep && call.tokens < 16) {
            firstBatches.push_back(call.tokens); // the last batches of the prompts
        }
    }
    EXPECT_EQ(firstBatches, (std::vector<size_t>{12, 8, 5}));
}

TEST_F(SchedulerTest, GivesTokensToOthersWhileALongPromptIsRead) {
    open();
    auto results = askTogether({{promptOf(1, 4), 60}, {promptOf(2, 160), 4}});
    gate_.open();
    EXPECT_EQ(results[0].get().tokens.size(), 60U);
    EXPECT_EQ(results[1].get().tokens.size(), 4U);
    const auto calls = fake_->calls();
    int batches = 0;
    for (size_t i = 0; i + 1 < calls.size(); ++i) {
        if (!calls[i].isStep) {
            ++batches;
            EXPECT_TRUE(calls[i + 1].isStep) << "batch " << batches;
        }
    }
    EXPECT_EQ(batches, 11);
}

TEST_F(SchedulerTest, ReadsTwoPromptsInTurns) {
    open();
    auto results = askTogether({{promptOf(1, 160), 2}, {promptOf(2, 160), 2}, {promptOf(3, 3), 2}});
    gate_.open();
    for (auto& result : results) {
        EXPECT_EQ(result.get().tokens.size(), 2U);
    }
    std::vector<int> order;
    for (const FakeBackend::Call& call : fake_->calls()) {
        if (!call.isStep) {
            order.push_back(call.slots.front());
        }
    }
    const std::vector<int> beginning(order.begin(), order.begin() + 6);
    EXPECT_EQ(std::set<int>(beginning.begin() + 1, beginning.begin() + 4).size(), 3U)
        << "the short prompt does not wait for the long ones";
    EXPECT_NE(order[4], order[5]);
}

TEST_F(SchedulerTest, KeepsItsPromisesWhateverComes) {
    open({.context = 200, .slots = 3, .pool = 384});
    constexpr unsigned kSeed = 4711;
    SCOPED_TRACE(kSeed);
    std::vector<std::future<void>> callers;
    for (unsigned caller = 0; caller < 8; ++caller) {
        callers.push_back(std::async(std::launch::async, [this, caller] {
            std::mt19937 random(kSeed + caller);
            for (int round = 0; round < 30; ++round) {
                std::stop_source source;
                int left = static_cast<int>(random() % 60);
                const bool cancels = random() % 3 == 0;
                Ask ask{promptOf(static_cast<Token>(random() % 5),
                                 1 + static_cast<int>(random() % 150)),
                        1 + static_cast<int>(random() % 50),
                        {},
                        source.get_token()};
                ask.onToken = [&](Token) {
                    if (--left == 0 && cancels) {
                        source.request_stop();
                    }
                    return left != 0 || cancels;
                };
                const Result result = answer(ask);
                ASSERT_EQ(result.error, "");
                ASSERT_EQ(result.tokens, FakeBackend::answerTo(ask.prompt, result.tokens.size()));
                ASSERT_TRUE(
                    result.reason != FinishReason::Length ||
                    result.tokens.size() ==
                        std::min<size_t>(static_cast<size_t>(ask.tokens), 201 - ask.prompt.size()));
            }
        }));
    }
    for (auto& caller : callers) {
        caller.get();
    }
    const EngineStatistics now = scheduler_->statistics();
    EXPECT_EQ(now.running + now.waiting, 0);
}

TEST_F(SchedulerTest, EveryStepTakesAllWhosePromptIsDone) {
    open();
    std::vector<Ask> asks;
    for (int i = 0; i < 9; ++i) { // more than there are slots
        asks.push_back({promptOf(i, 3 + 13 * (i % 4)), 20});
    }
    auto results = askTogether(asks);
    gate_.open();
    for (auto& result : results) {
        EXPECT_EQ(result.get().error, "");
    }
    // Who has a token to run and is passed over waits for a second round.
    std::map<int, size_t> left; // by slot, tokens still to run
    for (const FakeBackend::Call& call : fake_->calls()) {
        if (call.isStep) {
            for (const int slot : call.slots) {
                ASSERT_GT(left[slot], 0U);
                --left[slot];
            }
            for (const auto& [slot, tokens] : left) {
                const bool isIn = std::count(call.slots.begin(), call.slots.end(), slot) > 0;
                EXPECT_TRUE(isIn || tokens == 0) << "slot " << slot << " was passed over";
            }
        } else if (call.wantsLogits) {
            left[call.slots.front()] = 19; // the answer's last token is never run
        }
    }
}

} // namespace
} // namespace caldera
