// Cells that get other weights while chats go on.
#include <gtest/gtest.h>

#include "tests/core/runtime/scheduler_fixture.h"

namespace caldera {
namespace {

using namespace test;

const CellSwap kSwap{{0, Module::QProj}, nullptr};

class SchedulerSwapTest : public SchedulerTest {
protected:
    bool swap(const std::stop_token& cancel = {}) {
        return scheduler_->swapCells({&kSwap, 1}, cancel);
    }
};

TEST_F(SchedulerSwapTest, WaitsForAnswersAndHoldsUpThoseThatCome) {
    open({.slots = 2});
    std::atomic<int> runningAtSwap = -1;
    fake_->onSwap = [&](auto) { runningAtSwap = scheduler_->statistics().running; };
    std::atomic<bool> hasBegun = false;
    auto first = std::async(std::launch::async, [&] {
        Ask ask{promptOf(1, 4), 40};
        ask.onToken = [&](Token) {
            hasBegun = true;
            return true;
        };
        return answer(ask);
    });
    gate_.open();
    ASSERT_TRUE(until([&] { return hasBegun.load(); }));
    EXPECT_TRUE(swap());
    EXPECT_EQ(runningAtSwap, 0);
    const Result second = answer({promptOf(2, 4), 4});
    EXPECT_EQ(first.get().tokens, FakeBackend::answerTo(promptOf(1, 4), 40)) << "made to its end";
    EXPECT_EQ(second.tokens, FakeBackend::answerTo(promptOf(2, 4), 4));
}

TEST_F(SchedulerSwapTest, ForgetsWhatTheOldWeightsMade) {
    open();
    gate_.open();
    const std::vector<Token> prompt = promptOf(1, 40);
    answer({prompt, 2});
    EXPECT_GT(answer({prompt, 2}).statistics.reusedTokens, 0);
    ASSERT_TRUE(swap());
    EXPECT_EQ(scheduler_->statistics().usedTokens, 0);
    EXPECT_EQ(answer({prompt, 2}).statistics.reusedTokens, 0);
}

TEST_F(SchedulerSwapTest, TellsAFailureAndGoesOn) {
    open();
    gate_.open();
    fake_->onSwap = [](auto) { throw Error("test.swap", "no"); };
    EXPECT_THROW(swap(), Error);
    EXPECT_EQ(answer({promptOf(3, 4), 4}).tokens, FakeBackend::answerTo(promptOf(3, 4), 4));
}

TEST_F(SchedulerSwapTest, LeavesWhenItsClientDoes) {
    open();
    std::atomic<bool> hasBegun = false;
    std::atomic<bool> mayEnd = false;
    auto busy = std::async(std::launch::async, [&] {
        Ask ask{promptOf(1, 4), 100000};
        ask.onToken = [&](Token) {
            hasBegun = true;
            return !mayEnd;
        };
        return answer(ask);
    });
    gate_.open();
    ASSERT_TRUE(until([&] { return hasBegun.load(); }));
    bool hasSwapped = false;
    fake_->onSwap = [&](auto) { hasSwapped = true; };
    std::stop_source source;
    source.request_stop();
    EXPECT_FALSE(swap(source.get_token()));
    mayEnd = true;
    busy.wait();
    EXPECT_EQ(answer({promptOf(2, 4), 4}).tokens.size(), 4U) << "nobody is held up by it";
    EXPECT_FALSE(hasSwapped);
}

} // namespace
} // namespace caldera
