#include "core/runtime/engine.h"

#include <algorithm>
#include <functional>
#include <future>

#include <gtest/gtest.h>

#include "kernels/common/device.h"
#include "tests/core/runtime/engine_fixture.h"
#include "tests/support/backend_logits.h"
#include "tests/support/code_of.h"

namespace caldera {
namespace {

using namespace test;

TEST_F(EngineTest, AnswersFourChatsAtOnceAsEachAlone) {
    const auto together = open(128, 4);
    std::vector<std::future<Answer>> answers;
    for (uint32_t chat = 0; chat < 4; ++chat) {
        answers.push_back(std::async(std::launch::async, [&together, chat] {
            return answerTo(*together, randomTokens(10 + 25 * static_cast<int>(chat), chat),
                            greedy(40));
        }));
    }
    for (uint32_t chat = 0; chat < 4; ++chat) {
        const auto prompt = randomTokens(10 + 25 * static_cast<int>(chat), chat);
        const Answer alone = answerTo(*open(), prompt, greedy(40));
        EXPECT_EQ(answers[chat].get().tokens, alone.tokens) << chat;
    }
}

TEST_F(EngineTest, ReusesWhatTwoPromptsShare) {
    const auto engine = open();
    auto prompt = randomTokens(50, 10);
    const Answer first = answerTo(*engine, prompt, greedy(8));
    EXPECT_EQ(first.statistics.reusedTokens, 0);
    prompt.resize(30);
    const auto tail = randomTokens(12, 11);
    prompt.insert(prompt.end(), tail.begin(), tail.end());

    const Answer again = answerTo(*engine, prompt, greedy(8));
    EXPECT_EQ(again.statistics.reusedTokens, 30);
    EXPECT_EQ(again.statistics.promptTokens, 42);
    EXPECT_EQ(again.tokens, answerTo(*open(), prompt, greedy(8)).tokens);
}

TEST_F(EngineTest, GoesOnFromItsOwnAnswer) {
    const auto engine = open();
    auto talk = randomTokens(20, 12);
    const Answer first = answerTo(*engine, talk, greedy(6));
    ASSERT_EQ(first.tokens.size(), 6U);
    talk.insert(talk.end(), first.tokens.begin(), first.tokens.end());
    talk.push_back(77);
    const Answer second = answerTo(*engine, talk, greedy(4));
    EXPECT_EQ(second.statistics.reusedTokens, 25) << "all but the last answer token, never run";
    EXPECT_EQ(second.tokens, answerTo(*open(), talk, greedy(4)).tokens);
}

TEST_F(EngineTest, AnswersTheSamePromptTwiceAlike) {
    const auto engine = open();
    const auto prompt = randomTokens(20, 13);
    const Answer first = answerTo(*engine, prompt, greedy(5));
    const Answer second = answerTo(*engine, prompt, greedy(5));
    EXPECT_EQ(second.statistics.reusedTokens, 19) << "the last is needed for its logits";
    EXPECT_EQ(second.tokens, first.tokens);
}

TEST_F(EngineTest, TakesTheLikeliestTokenWhenGreedy) {
    const auto prompt = randomTokens(10, 14);
    const Answer answer = answerTo(*open(), prompt, greedy(12));
    auto tokens = prompt;
    tokens.insert(tokens.end(), answer.tokens.begin(), answer.tokens.end());
    const auto logits = model_->logits(tokens);
    for (size_t i = 0; i < answer.tokens.size(); ++i) {
        const auto& row = logits[prompt.size() - 1 + i];
        const float best = *std::max_element(row.begin(), row.begin() + 2048);
        EXPECT_GT(row[static_cast<size_t>(answer.tokens[i])], best - 1e-2F) << i;
    }
}

TEST_F(EngineTest, EndsAtStopTokensTheLimitAndTheCaller) {
    const auto prompt = randomTokens(10, 15);
    const Answer whole = answerTo(*open(), prompt, greedy(9));
    EXPECT_EQ(whole.reason, FinishReason::Length);
    EXPECT_EQ(whole.tokens.size(), 9U);

    const Token fourth = whole.tokens[3];
    const auto firstOfIt = std::find(whole.tokens.begin(), whole.tokens.end(), fourth);
    const Answer stopped = answerTo(*open(), prompt, greedy(9), {fourth});
    EXPECT_EQ(stopped.reason, FinishReason::Stop);
    EXPECT_EQ(stopped.tokens, std::vector<Token>(whole.tokens.begin(), firstOfIt));

    GenerationStatistics statistics;
    int seen = 0;
    const auto reason =
        open()->generate(prompt, {}, greedy(9), [&](Token) { return ++seen < 3; }, statistics, {});
    EXPECT_EQ(reason, FinishReason::Stop);
    EXPECT_EQ(seen, 3);
    EXPECT_EQ(statistics.generatedTokens, 3);
}

TEST_F(EngineTest, EndsWhenTheContextIsFull) {
    const auto engine = open(16);
    const Answer answer = answerTo(*engine, randomTokens(10, 16), greedy(100));
    EXPECT_EQ(answer.reason, FinishReason::Length);
    EXPECT_EQ(answer.tokens.size(), 7U) << "six find room, one more needs none";
}

TEST_F(EngineTest, RefusesMoreThanTheContextHolds) {
    const auto engine = open(16);
    const auto tokens = randomTokens(17, 17);
    EXPECT_EQ(codeOf([&] { answerTo(*engine, tokens, greedy(1)); }), "engine.context-full");
    const std::vector<Token> fitting(tokens.begin(), tokens.begin() + 16);
    EXPECT_EQ(answerTo(*engine, fitting, greedy(1)).tokens.size(), 1U) << "it is still of use";
}

TEST_F(EngineTest, RefusesWhatItCannotRun) {
    EXPECT_EQ(codeOf([] { open(0); }), "engine.context");
    EXPECT_EQ(codeOf([] { open(257); }), "engine.context");
    EXPECT_EQ(codeOf([] { open(16, 0); }), "engine.settings");
    EXPECT_EQ(codeOf([] { open(16, 65); }), "engine.settings");
    const auto openWith = [](const std::function<void(EngineSettings&)>& change) {
        EngineSettings settings = onCpu(16);
        change(settings);
        return codeOf([&] { Engine::open(model_->artifact(), settings); });
    };
    EXPECT_EQ(openWith([](EngineSettings& s) { s.threads = -1; }), "engine.settings");
    EXPECT_EQ(openWith([](EngineSettings& s) { s.cacheBits = 4; }), "engine.settings");
    EXPECT_EQ(openWith([](EngineSettings& s) { s.activationBits = 32; }), "engine.settings");
    const auto engine = open();
    EXPECT_EQ(codeOf([&] { answerTo(*engine, {5, 2064}, greedy(1)); }), "engine.token");
    EXPECT_EQ(codeOf([&] { answerTo(*engine, {-1}, greedy(1)); }), "engine.token");
    EXPECT_EQ(codeOf([&] { answerTo(*engine, {}, greedy(1)); }), "engine.prompt-empty");
    SamplingOptions wrong = greedy(1);
    wrong.topP = 7;
    EXPECT_EQ(codeOf([&] { answerTo(*engine, {5}, wrong); }), "engine.sampling");
}

TEST_F(EngineTest, SaysWhyItHasNoGpu) {
    EngineSettings settings = onCpu(16);
    settings.device = EngineSettings::Device::Cuda;
    if (kernels::cudaDeviceAvailable()) {
        GTEST_SKIP() << "there is one";
    }
    EXPECT_EQ(codeOf([&] { Engine::open(model_->artifact(), settings); }), "engine.no-cuda");
    settings.device = EngineSettings::Device::Auto;
    EXPECT_EQ(answerTo(*Engine::open(model_->artifact(), settings), {5}, greedy(1)).tokens.size(),
              1U);
}

TEST_F(EngineTest, CancelsWithinOneTokenAndGoesOnAfterwards) {
    const auto engine = open();
    const auto prompt = randomTokens(10, 18);
    std::stop_source source;
    GenerationStatistics statistics;
    int seen = 0;
    const auto reason = engine->generate(
        prompt, {}, greedy(50),
        [&](Token) {
            if (++seen == 4) {
                source.request_stop();
            }
            return true;
        },
        statistics, source.get_token());
    EXPECT_EQ(reason, FinishReason::Cancelled);
    EXPECT_EQ(seen, 4);

    seen = 0;
    EXPECT_EQ(engine->generate(
                  randomTokens(90, 19), {}, greedy(50),
                  [&](Token) {
                      ++seen;
                      return true;
                  },
                  statistics, source.get_token()),
              FinishReason::Cancelled);
    EXPECT_EQ(seen, 0) << "cancelled in the prompt";
    EXPECT_EQ(answerTo(*engine, prompt, greedy(5)).tokens,
              answerTo(*open(), prompt, greedy(5)).tokens);
}

TEST_F(EngineTest, NeverChoosesARowThatHasNoToken) {
    SamplingOptions hot;
    hot.temperature = 50;
    hot.topP = 1;
    hot.maxTokens = 110;
    for (const Token token : answerTo(*open(), {5}, hot).tokens) {
        ASSERT_LT(token, 2048);
    }
}

TEST_F(EngineTest, CountsWhatItDid) {
    const Answer answer = answerTo(*open(), randomTokens(33, 20), greedy(10));
    const GenerationStatistics& s = answer.statistics;
    EXPECT_EQ(s.promptTokens, 33);
    EXPECT_EQ(s.generatedTokens, 10);
    EXPECT_GT(s.timeToFirstToken, 0);
    EXPECT_GT(s.promptTokensPerSecond, 0);
    EXPECT_GT(s.tokensPerSecond, 0);
    EXPECT_GT(s.p50, 0);
    EXPECT_LE(s.p50, s.p95);
    EXPECT_LE(s.p95, s.p99);
    // Keys and values, three layers, two heads of sixteen floats; the last token was never run.
    EXPECT_EQ(s.cacheBytes, 2 * 3 * 2 * 16 * 4 * 42);
    EXPECT_GT(s.weightBytes, 2064 * 64 * 2);
    EXPECT_LT(s.weightBytes, model_->artifact()->fileBytes());
}

} // namespace
} // namespace caldera
