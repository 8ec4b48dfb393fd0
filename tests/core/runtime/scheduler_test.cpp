#include "core/runtime/scheduler.h"

#include <atomic>
#include <utility>

#include <gtest/gtest.h>

#include "tests/core/runtime/scheduler_fixture.h"

namespace caldera {
namespace {

using namespace test;

TEST_F(SchedulerTest, AnswersSeveralAtOnceAsEachAlone) {
    open();
    std::vector<Ask> asks;
    for (int i = 0; i < 7; ++i) {
        asks.push_back({promptOf(i, 5 + 9 * i), 20 + i});
    }
    auto results = askTogether(asks);
    EXPECT_EQ(scheduler_->statistics().waiting, 6);
    gate_.open();
    for (size_t i = 0; i < asks.size(); ++i) {
        const Result result = results[i].get();
        EXPECT_EQ(result.reason, FinishReason::Length);
        EXPECT_EQ(result.tokens,
                  FakeBackend::answerTo(asks[i].prompt, static_cast<size_t>(asks[i].tokens)))
            << i;
    }
    size_t together = 0;
    for (const FakeBackend::Call& call : fake_->calls()) {
        together = std::max(together, call.slots.size());
    }
    EXPECT_EQ(together, 4U);
}

TEST_F(SchedulerTest, GoesOnWithEveryConversationThatHasASlot) {
    open();
    std::vector<std::vector<Token>> talks;
    for (int chat = 0; chat < 4; ++chat) {
        // All begin alike, as with the same system message.
        talks.push_back(joined(promptOf(900, 12), promptOf(chat, 20)));
    }
    for (int turn = 0; turn < 3; ++turn) {
        for (std::vector<Token>& talk : talks) {
            const Result result = answer({talk, 6});
            EXPECT_EQ(result.tokens, FakeBackend::answerTo(talk, 6));
            EXPECT_EQ(result.statistics.promptTokens, static_cast<int>(talk.size()));
            if (turn > 0) { // all but the last token of the answer and the new question
                EXPECT_EQ(result.statistics.reusedTokens, static_cast<int>(talk.size()) - 4);
            }
            talk = joined(joined(talk, result.tokens), promptOf(500 + turn, 3));
        }
    }
}

TEST_F(SchedulerTest, GivesTheSlotThatWasIdleLongestToSomethingNew) {
    open({.slots = 2});
    const auto old = promptOf(1, 20);
    const auto recent = promptOf(2, 20);
    answer({old});
    answer({recent});
    answer({promptOf(3, 20)});
    EXPECT_EQ(answer({recent}).statistics.reusedTokens, 19);
    EXPECT_EQ(answer({old}).statistics.reusedTokens, 0);
}

TEST_F(SchedulerTest, EndsAtStopTokensTheLimitTheContextAndTheCaller) {
    open({.context = 64});
    const auto prompt = promptOf(4, 10);
    const auto whole = FakeBackend::answerTo(prompt, 9);
    const Result atLimit = answer({prompt, 9});
    EXPECT_EQ(atLimit.reason, FinishReason::Length);
    EXPECT_EQ(atLimit.tokens, whole);
    EXPECT_EQ(atLimit.statistics.cacheBytes, 18 * 8) << "the last token was never run";
    EXPECT_EQ(atLimit.statistics.deviceBytes, 5000);

    const Result atStop = answer({prompt, 9, {whole[3]}});
    EXPECT_EQ(atStop.reason, FinishReason::Stop);
    EXPECT_EQ(atStop.tokens, std::vector<Token>(whole.begin(), whole.begin() + 3));

    const Result inFull = answer({prompt, 1000});
    EXPECT_EQ(inFull.reason, FinishReason::Length);
    EXPECT_EQ(inFull.tokens.size(), 55U) << "54 find room, one more needs none";

    int seen = 0;
    const Result byCaller = answer({prompt, 50, {}, {}, [&](Token) { return ++seen < 3; }});
    EXPECT_EQ(byCaller.reason, FinishReason::Stop);
    EXPECT_EQ(byCaller.tokens, std::vector<Token>(whole.begin(), whole.begin() + 3));
    EXPECT_EQ(byCaller.statistics.generatedTokens, 3);
    EXPECT_EQ(scheduler_->statistics().running, 0);
}

TEST_F(SchedulerTest, ComputesNothingMoreForACallerWhoHasEnough) {
    constexpr int kMost = 100000; // takes long: every token is worked out from all before it
    open({.context = 2 * kMost, .slots = 1, .pool = 2 * kMost});
    int seen = 0;
    const Result enough =
        answer({promptOf(1, 10), kMost, {}, {}, [&](Token) { return ++seen < 3; }});
    EXPECT_EQ(enough.reason, FinishReason::Stop);
    EXPECT_EQ(enough.tokens.size(), 3U);
    std::stop_source source;
    const Result cancelled = answer({promptOf(2, 10), kMost, {}, source.get_token(), [&](Token) {
                                         source.request_stop();
                                         return true;
                                     }});
    EXPECT_EQ(cancelled.reason, FinishReason::Cancelled);
    EXPECT_EQ(cancelled.statistics.generatedTokens, 1);
    EXPECT_LT(scheduler_->statistics().generatedTokens, kMost);
}

TEST_F(SchedulerTest, HandsOverTogetherWhatComesSoon) {
    constexpr double kAnHour = 3600;
    open();
    // No step is made before the first token was seen, so it comes by itself.
    gate_.close();
    fake_->beforeStep = [this](auto) { gate_.pass(); };
    const auto prompt = promptOf(1, 10);
    std::vector<int> together; // tokens of each hand-over
    int now = 0;
    const auto onToken = [&](const GeneratedToken& token) {
        ++now;
        if (!token.isFollowed) {
            together.push_back(std::exchange(now, 0));
        }
        gate_.open();
        return true;
    };
    const Result result = answer({prompt, 200, {}, {}, onToken, kAnHour});
    EXPECT_EQ(result.tokens, FakeBackend::answerTo(prompt, 200));
    EXPECT_EQ(together, (std::vector<int>{1, 199}));
}

TEST_F(SchedulerTest, HandsOverWhatCameWhileTheNextTokenTakesLong) {
    open();
    int steps = 0;
    fake_->beforeStep = [&](auto) {
        if (++steps == 5) {
            gate_.pass();
        }
    };
    gate_.close();
    std::atomic<int> seen = 0;
    auto result =
        answerLater({promptOf(1, 10), 50, {}, {}, [&](Token) { return ++seen > 0; }, 0.02});
    EXPECT_TRUE(until([&] { return seen == 5; })) << "one of the prompt, four of steps";
    gate_.open();
    EXPECT_EQ(result.get().tokens.size(), 50U);
}

TEST_F(SchedulerTest, AnEndOrACancellationWaitsForNoHandOver) {
    constexpr double kAnHour = 3600; // a test that waits for it fails
    open();
    const auto prompt = promptOf(1, 10);
    EXPECT_EQ(answer({prompt, 50, {}, {}, [](Token) { return true; }, kAnHour}).tokens.size(), 50U);
    const auto enough = answer({prompt, 50, {}, {}, [](Token) { return false; }, kAnHour});
    EXPECT_EQ(enough.tokens.size(), 1U);

    fake_->beforeStep = [this](auto) { gate_.pass(); };
    gate_.close();
    std::stop_source source;
    auto leaving = answerLater(
        {promptOf(2, 10), 50, {}, source.get_token(), [](Token) { return true; }, kAnHour});
    ASSERT_TRUE(gate_.waitForArrivals(1));
    source.request_stop();
    gate_.open();
    EXPECT_EQ(leaving.get().reason, FinishReason::Cancelled);
}

TEST_F(SchedulerTest, RefusesWhatCanNeverBeAnswered) {
    open({.context = 256, .pool = 128});
    EXPECT_EQ(scheduler_->contextLength(), 128) << "more would not fit into the pool";
    EXPECT_EQ(answer({promptOf(1, 129)}).error, "engine.context-full");
    EXPECT_EQ(answer({promptOf(1, 128)}).tokens.size(), 1U);
    EXPECT_EQ(answer({{}}).error, "engine.prompt-empty");
    EXPECT_EQ(answer({{5, 2064}}).error, "engine.token");
    EXPECT_EQ(answer({{-1}}).error, "engine.token");
    EXPECT_EQ(answer({{5}, 0}).error, "engine.sampling");
    EXPECT_EQ(fake_->calls().size(), 8U) << "nothing refused was computed";
}

TEST_F(SchedulerTest, DropsTheOldestConversationWhenThePoolNeedsItsRoom) {
    open({.slots = 4, .pool = 256});
    const auto old = promptOf(1, 60);
    const auto recent = promptOf(2, 60);
    answer({old, 2});
    answer({recent, 2});
    EXPECT_EQ(scheduler_->statistics().usedTokens, 128);
    answer({promptOf(3, 150), 2}); // three pages
    EXPECT_EQ(scheduler_->statistics().usedTokens, 256);
    EXPECT_EQ(scheduler_->statistics().cacheBytes, 256 * 8);
    EXPECT_EQ(answer({recent, 2}).statistics.reusedTokens, 59);
    EXPECT_EQ(answer({old, 2}).statistics.reusedTokens, 0);
}

TEST_F(SchedulerTest, CountsWhatItDid) {
    open();
    answer({promptOf(1, 20), 6});
    answer({promptOf(1, 20), 6});
    const EngineStatistics now = scheduler_->statistics();
    EXPECT_EQ(now.chats, 4);
    EXPECT_EQ(now.running, 0);
    EXPECT_EQ(now.waiting, 0);
    EXPECT_EQ(now.poolTokens, 1024);
    EXPECT_EQ(now.usedTokens, 64);
    EXPECT_EQ(now.promptTokens, 21) << "the second time all but one were known";
    EXPECT_EQ(now.generatedTokens, 12);
    EXPECT_GT(now.busySeconds, 0);
    EXPECT_EQ(now.weightBytes, 1000);
    EXPECT_EQ(now.cacheBytes, 64 * 8);
    EXPECT_EQ(now.deviceBytes, 5000);
}

} // namespace
} // namespace caldera
