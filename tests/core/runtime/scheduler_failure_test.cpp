// Who leaves, and what fails.
#include "core/runtime/scheduler.h"

#include <gtest/gtest.h>

#include "tests/core/runtime/scheduler_fixture.h"

namespace caldera {
namespace {

using namespace test;

TEST_F(SchedulerTest, CancelsOneAndLeavesTheOthersAlone) {
    open();
    std::stop_source source;
    std::vector<Ask> asks;
    for (int i = 0; i < 3; ++i) {
        asks.push_back({promptOf(i, 100), 40});
    }
    int seen = 0;
    asks[1].cancel = source.get_token();
    asks[1].onToken = [&](Token) {
        if (++seen == 5) {
            source.request_stop();
        }
        return true;
    };
    auto results = askTogether(asks);
    gate_.open();
    EXPECT_EQ(results[0].get().tokens, FakeBackend::answerTo(asks[0].prompt, 40));
    const Result cancelled = results[1].get();
    EXPECT_EQ(cancelled.reason, FinishReason::Cancelled);
    EXPECT_EQ(cancelled.tokens, FakeBackend::answerTo(asks[1].prompt, 5));
    EXPECT_EQ(results[2].get().tokens, FakeBackend::answerTo(asks[2].prompt, 40));
    EXPECT_EQ(scheduler_->statistics().running, 0);
    const Result again = answer({asks[1].prompt, 10});
    EXPECT_EQ(again.statistics.reusedTokens, 99) << "what was computed is of use";
    EXPECT_EQ(again.tokens, FakeBackend::answerTo(asks[1].prompt, 10));
}

TEST_F(SchedulerTest, CancelsWithinAPrompt) {
    open();
    std::stop_source source;
    fake_->beforeAppend = [&, batches = 0](int, auto) mutable {
        if (++batches == 3) {
            source.request_stop();
        }
    };
    const Result result = answer({promptOf(1, 100), 10, {}, source.get_token()});
    EXPECT_EQ(result.reason, FinishReason::Cancelled);
    EXPECT_TRUE(result.tokens.empty());
    EXPECT_EQ(fake_->calls().size(), 3U);
    EXPECT_EQ(answer({promptOf(1, 100), 10}).statistics.reusedTokens, 32);
}

TEST_F(SchedulerTest, LetsGoWhoStillWaitsWhileTheBackendIsBusy) {
    open({.slots = 1});
    std::stop_source source;
    auto results = askTogether({{promptOf(1, 10)}, {promptOf(2, 10), 8, {}, source.get_token()}});
    source.request_stop();
    EXPECT_EQ(results[1].get().reason, FinishReason::Cancelled) << "the gate is still closed";
    EXPECT_EQ(scheduler_->statistics().waiting, 0);
    gate_.open();
    EXPECT_EQ(results[0].get().tokens.size(), 8U);
}

TEST_F(SchedulerTest, EndsWithTheErrorOfAPromptThatFails) {
    open();
    auto results = askTogether({{promptOf(1, 4), 20}, {promptOf(2, 40), 20}});
    fake_->isBroken = [](auto sequence) { return sequence.size() == 40; };
    gate_.open();
    EXPECT_EQ(results[0].get().tokens, FakeBackend::answerTo(promptOf(1, 4), 20));
    EXPECT_EQ(results[1].get().error, "engine.logits");
    fake_->isBroken = [](auto) { return false; };
    const Result again = answer({promptOf(2, 40), 20});
    EXPECT_EQ(again.statistics.reusedTokens, 0) << "what failed is not trusted";
    EXPECT_EQ(again.tokens, FakeBackend::answerTo(promptOf(2, 40), 20));
}

TEST_F(SchedulerTest, EndsWhatAFailingBackendComputedAndLivesOn) {
    open();
    fake_->beforeAppend = [](int, auto) { throw Error("engine.gpu", "The GPU is gone."); };
    EXPECT_EQ(answer({promptOf(1, 4)}).error, "engine.gpu");
    auto results = askTogether({{promptOf(1, 4), 20}, {promptOf(2, 4), 20}});
    fake_->beforeStep = [steps = 0](std::span<const Backend::Next> next) mutable {
        steps += next.size() == 2 ? 1 : 0;
        if (steps == 5) {
            throw Error("engine.gpu", "The GPU is gone.");
        }
    };
    gate_.open();
    for (auto& result : results) {
        const Result got = result.get();
        EXPECT_EQ(got.error, "engine.gpu");
        EXPECT_GE(got.tokens.size(), 5U) << "what came before is delivered";
    }
    fake_->beforeStep = {};
    const Result after = answer({promptOf(1, 4), 20});
    EXPECT_EQ(after.statistics.reusedTokens, 0);
    EXPECT_EQ(after.tokens, FakeBackend::answerTo(promptOf(1, 4), 20));
}

TEST_F(SchedulerTest, PassesOnWhatTheCallerThrows) {
    open();
    EXPECT_EQ(answer({promptOf(1, 4),
                      50,
                      {},
                      {},
                      [](Token) -> bool { throw Error("test.reader", "The reader broke."); }})
                  .error,
              "test.reader");
    EXPECT_EQ(scheduler_->statistics().running, 0);
    EXPECT_EQ(answer({promptOf(1, 4), 5}).tokens, FakeBackend::answerTo(promptOf(1, 4), 5));
}

TEST_F(SchedulerTest, GivesBackThePagesOfAStepThatFails) {
    open({.context = 256, .slots = 4, .pool = 256});
    auto results = askTogether({{promptOf(1, 60), 60}, {promptOf(2, 60), 60}}); // the whole pool
    fake_->beforeStep = [](std::span<const Backend::Next> next) {
        if (next.size() == 2) {
            throw Error("engine.gpu", "The GPU is gone.");
        }
    };
    gate_.open();
    for (auto& result : results) {
        EXPECT_EQ(result.get().error, "engine.gpu");
    }
    EXPECT_EQ(scheduler_->statistics().usedTokens, 0);
    EXPECT_EQ(scheduler_->statistics().running, 0);
    for (int slot = 0; slot < 4; ++slot) {
        EXPECT_EQ(fake_->length(slot), 0) << slot;
    }
    fake_->beforeStep = {};
    EXPECT_EQ(answer({promptOf(3, 200), 50}).tokens, FakeBackend::answerTo(promptOf(3, 200), 50))
        << "it needs every page";
}

TEST_F(SchedulerTest, EndsAnswersWhoseTokensCannotBeChosen) {
    open();
    auto results = askTogether({{promptOf(1, 4), 20}, {promptOf(2, 4), 20}});
    fake_->beforeChoose = [choices = 0]() mutable {
        if (++choices == 6) {
            throw Error("engine.gpu", "The GPU is gone.");
        }
    };
    gate_.open();
    size_t delivered = 0;
    for (auto& result : results) {
        const Result got = result.get();
        EXPECT_EQ(got.error, "engine.gpu");
        delivered += got.tokens.size();
    }
    EXPECT_GE(delivered, 5U) << "what came before is delivered";
    EXPECT_EQ(scheduler_->statistics().usedTokens, 0) << "what was run is not trusted";
    fake_->beforeChoose = {};
    EXPECT_EQ(answer({promptOf(1, 4), 20}).tokens, FakeBackend::answerTo(promptOf(1, 4), 20));
}

TEST_F(SchedulerTest, CancelledAnywhereInAPromptTheNextGetsItRight) {
    for (int batch = 1; batch <= 7; ++batch) {
        open();
        std::stop_source source;
        fake_->beforeAppend = [&, batches = 0](int, auto) mutable {
            if (++batches == batch) {
                source.request_stop();
            }
        };
        const Result result = answer({promptOf(1, 100), 10, {}, source.get_token()});
        EXPECT_EQ(result.reason, FinishReason::Cancelled) << batch;
        EXPECT_EQ(scheduler_->statistics().usedTokens, usedTokens(16 * (batch - 1))) << batch;
        const Result again = answer({promptOf(1, 100), 10});
        EXPECT_EQ(again.statistics.reusedTokens, 16 * (batch - 1)) << batch;
        EXPECT_EQ(again.tokens, FakeBackend::answerTo(promptOf(1, 100), 10)) << batch;
    }
}

} // namespace
} // namespace caldera
