#include "core/runtime/scheduler.h"

#include <future>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/core/runtime/fake_backend.h"
#include "tests/support/code_of.h"
#include "tests/support/gate.h"
#include "tests/support/tiny_model.h"
#include "tests/support/until.h"

namespace caldera {
namespace {

using test::codeOf;
using test::FakeBackend;
using test::FakeShape;
using test::Gate;
using test::TinyModel;
using test::until;

/// Numbers that no other first number shares.
std::vector<Token> promptOf(Token first, int count) {
    std::vector<Token> tokens(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
        tokens[static_cast<size_t>(i)] = (first * 37 + i * 11) % 2000;
    }
    return tokens;
}

std::vector<Token> joined(std::vector<Token> first, const std::vector<Token>& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

struct Result {
    std::vector<Token> tokens;
    FinishReason reason = FinishReason::Cancelled;
    GenerationStatistics statistics;
    std::string error; ///< its code
};

struct Ask {
    std::vector<Token> prompt;
    int tokens = 8;
    std::vector<Token> stop = {};
    std::stop_token cancel = {};
    std::function<bool(Token)> onToken = [](Token) { return true; };
};

class SchedulerTest : public testing::Test {
protected:
    static void SetUpTestSuite() { model_ = new TinyModel(); }
    static void TearDownTestSuite() {
        delete model_;
        model_ = nullptr;
    }

    void open(const FakeShape& shape = {}) {
        auto backend = std::make_unique<FakeBackend>(model_->artifact(), shape);
        fake_ = backend.get();
        scheduler_ = std::make_unique<Scheduler>(std::move(backend));
    }
    Result answer(const Ask& ask) {
        Result result;
        SamplingOptions greedy;
        greedy.temperature = 0;
        greedy.maxTokens = ask.tokens;
        try {
            result.reason = scheduler_->generate(
                ask.prompt, ask.stop, greedy,
                [&](Token token) {
                    result.tokens.push_back(token);
                    return ask.onToken(token);
                },
                result.statistics, ask.cancel);
        } catch (const Error& error) {
            result.error = error.code();
        }
        return result;
    }
    std::future<Result> answerLater(Ask ask) {
        return std::async(std::launch::async, [this, ask = std::move(ask)] { return answer(ask); });
    }
    bool untilWaiting(int count) {
        return until([&] { return scheduler_->statistics().waiting == count; });
    }
    bool untilRunning(int count) {
        return until([&] { return scheduler_->statistics().running == count; });
    }
    /// The first answer is in the backend, the rest waits; all are let in at once by gate_.open().
    std::vector<std::future<Result>> askTogether(const std::vector<Ask>& asks) {
        gate_.close();
        fake_->beforeAppend = [this](int, auto) { gate_.pass(); };
        std::vector<std::future<Result>> results;
        for (const Ask& ask : asks) {
            results.push_back(answerLater(ask));
            EXPECT_TRUE(until([&] {
                const EngineStatistics now = scheduler_->statistics();
                return now.running + now.waiting == static_cast<int>(results.size());
            }));
            EXPECT_TRUE(gate_.waitForArrivals(1));
        }
        return results;
    }

    static TinyModel* model_;
    Gate gate_;
    FakeBackend* fake_ = nullptr;
    std::unique_ptr<Scheduler> scheduler_;
};
TinyModel* SchedulerTest::model_ = nullptr;

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

} // namespace
} // namespace caldera
