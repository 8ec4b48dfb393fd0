#include "core/runtime/engine.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <random>

#include <gtest/gtest.h>

#include "core/runtime/backend.h"
#include "core/runtime/cpu_backend.h"
#include "kernels/common/device.h"
#include "tests/support/backend_logits.h"
#include "tests/support/code_of.h"
#include "tests/support/tiny_model.h"

namespace caldera {
namespace {

using test::codeOf;
using test::copyOf;
using test::logitsAfter;
using test::logitsAfterStep;
using test::randomTokens;
using test::TinyModel;
using test::TinyOptions;

double largestDifference(std::span<const float> a, std::span<const float> b) {
    double largest = a.size() == b.size() ? 0 : 1e30;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        const double difference = std::abs(a[i] - b[i]);
        largest = std::max(largest, std::isnan(difference) ? 1e30 : difference);
    }
    return largest;
}

SamplingOptions greedy(int maxTokens) {
    SamplingOptions options;
    options.temperature = 0;
    options.maxTokens = maxTokens;
    return options;
}

struct Answer {
    std::vector<Token> tokens;
    FinishReason reason = FinishReason::Stop;
    GenerationStatistics statistics;
};

EngineSettings onCpu(int context, int threads = 2, int chats = 1) {
    return {.contextLength = context,
            .chats = chats,
            .threads = threads,
            .device = EngineSettings::Device::Cpu};
}

Answer answerTo(Engine& engine, const std::vector<Token>& prompt, const SamplingOptions& options,
                const std::vector<Token>& stop = {}) {
    Answer answer;
    answer.reason = engine.generate(prompt, stop, options,
                                    [&](Token token) {
                                        answer.tokens.push_back(token);
                                        return true;
                                    },
                                    answer.statistics, {});
    return answer;
}

struct Variant {
    std::string name;
    TinyOptions options;
};

class CpuBackendModelTest : public testing::TestWithParam<Variant> {};

TEST_P(CpuBackendModelTest, EqualsTheDenseComputation) {
    const TinyModel model(GetParam().options);
    const std::vector<Token> tokens = randomTokens(40, 5);
    const auto expected = model.logits(tokens);
    EngineSettings settings = onCpu(64);
    settings.activationBits = 16;
    const auto backend = openBackend(model.artifact(), settings);
    // Products of whole numbers round inputs and factors to 16 bits, an error of 5e-5 that a random
    // model makes a thousand times larger.
    const double allowed = GetParam().name.starts_with("rounded") ? 0.15 : 2e-3;
    // A few tokens together, then one by one: both paths of the linears.
    const auto prompt = std::span(tokens).first(30);
    EXPECT_LT(largestDifference(logitsAfter(*backend, prompt), expected[29]), allowed);
    for (size_t t = 30; t < tokens.size(); ++t) {
        const std::vector<Backend::Next> next = {{0, tokens[t]}};
        ASSERT_LT(largestDifference(logitsAfterStep(*backend, next), expected[t]), allowed)
            << "token " << t;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Models, CpuBackendModelTest,
    testing::Values(
        Variant{"qwen2Tied", {}}, Variant{"qwen2Untied", {.hasTiedHead = false, .seed = 2}},
        Variant{"llamaScaledRope",
                {.architecture = "llama", .hasTiedHead = false, .scalesRope = true, .seed = 3}},
        Variant{"eightBitTables",
                {.hasTiedHead = false, .embeddingBits = 8, .headBits = 8, .seed = 4}},
        Variant{"fourBitTables",
                {.hasTiedHead = false, .embeddingBits = 4, .headBits = 4, .seed = 7}},
        Variant{"roundedLattice", {.codec = "e8p", .bits = 2, .seed = 10}},
        Variant{"roundedTrellis", {.codec = "trellis", .bits = 2, .seed = 8}},
        Variant{"roundedTrellis3", {.codec = "trellis", .bits = 3, .seed = 9}},
        Variant{"skippedCells",
                {.skipped = {"model.layers.0.self_attn.k_proj", "model.layers.1.*",
                             "model.layers.2.mlp.down_proj"},
                 .seed = 6}}),
    [](const auto& test) { return test.param.name; });

class EngineTest : public testing::Test {
protected:
    static void SetUpTestSuite() { model_ = new TinyModel(); }
    static void TearDownTestSuite() {
        delete model_;
        model_ = nullptr;
    }
    static std::unique_ptr<Engine> open(int context = 128, int chats = 1) {
        return Engine::open(model_->artifact(), onCpu(context, 2, chats));
    }
    static std::unique_ptr<Backend> openBackend(int context = 128, int threads = 2, int chats = 1) {
        return caldera::openBackend(model_->artifact(), onCpu(context, threads, chats));
    }
    static TinyModel* model_;
};
TinyModel* EngineTest::model_ = nullptr;

TEST_F(EngineTest, TakesAPromptInBatchesAsTokenByToken) {
    const auto tokens = randomTokens(100, 7); // more than one batch, and a remainder
    const auto batched = openBackend();
    const auto single = openBackend();
    const auto expected = copyOf(logitsAfter(*batched, tokens));
    std::span<const float> logits;
    for (const Token& token : tokens) {
        logits = logitsAfter(*single, {&token, 1});
    }
    EXPECT_LT(largestDifference(logits, expected), 1e-3);
}

TEST_F(EngineTest, AgreesForEveryNumberOfThreads) {
    const auto tokens = randomTokens(70, 8);
    const auto one = copyOf(logitsAfter(*openBackend(128, 1), tokens));
    for (const int threads : {2, 3}) {
        const auto backend = openBackend(128, threads);
        EXPECT_LT(largestDifference(logitsAfter(*backend, tokens), one), 1e-5) << threads;
    }
}

TEST_F(EngineTest, RepeatsItselfExactly) {
    const auto tokens = randomTokens(20, 9);
    const auto backend = openBackend(128, 3);
    const auto first = copyOf(logitsAfter(*backend, tokens));
    for (int round = 0; round < 5; ++round) {
        backend->truncate(0, 0);
        EXPECT_EQ(copyOf(logitsAfter(*backend, tokens)), first);
    }
}

/// Largest difference between the logits of five sequences that step together and of each alone.
double differenceInCompany(const TinyModel& model) {
    constexpr int kChats = 5;
    const auto together = openBackend(model.artifact(), onCpu(128, 2, kChats));
    const auto alone = openBackend(model.artifact(), onCpu(128, 2, kChats));
    std::vector<Backend::Next> next;
    for (int slot = 0; slot < kChats; ++slot) {
        const auto prompt = randomTokens(10 + 23 * slot, 30 + static_cast<uint32_t>(slot));
        logitsAfter(*together, prompt, slot);
        logitsAfter(*alone, prompt, slot);
        next.push_back({slot, prompt.front()});
    }
    std::reverse(next.begin(), next.end());
    double largest = 0;
    for (int round = 0; round < 3; ++round) {
        const auto rows = copyOf(logitsAfterStep(*together, next)); // [chats, vocab]
        EXPECT_EQ(rows.size(), kChats * 2064U);
        for (size_t i = 0; i < next.size(); ++i) {
            const auto row = std::span(rows).subspan(i * 2064, 2064);
            const auto expected = logitsAfterStep(*alone, std::span(next).subspan(i, 1));
            largest = std::max(largest, largestDifference(row, expected));
            EXPECT_EQ(together->length(next[i].slot), alone->length(next[i].slot));
        }
    }
    return largest;
}

TEST_F(EngineTest, StepsSeveralSequencesAsEachAlone) {
    // Sums of several vectors are made in another order than those of one.
    EXPECT_LT(differenceInCompany(*model_), 1e-3);
    EXPECT_EQ(differenceInCompany(TinyModel({.codec = "trellis", .bits = 2, .seed = 8})), 0)
        << "but not for trellis codes";
}

TEST_F(EngineTest, LeavesNoTraceOfACancelledPrompt) {
    const auto tokens = randomTokens(40, 21);
    const auto expected = copyOf(logitsAfter(*openBackend(), tokens));
    const auto backend = openBackend();
    logitsAfter(*backend, std::span(tokens).first(20));
    std::stop_source source;
    source.request_stop();
    EXPECT_THROW(backend->append(0, randomTokens(9, 22), true, source.get_token()), Cancelled);
    EXPECT_EQ(backend->length(0), 20);
    EXPECT_LT(largestDifference(logitsAfter(*backend, std::span(tokens).subspan(20)), expected),
              1e-4);
}

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

TEST_F(EngineTest, SharesOutTheMemoryOfTheMachine) {
    const Artifact& artifact = *model_->artifact();
    const int64_t token = 2 * 3 * 2 * 16 * 4; // keys and values, three layers, two heads of floats
    const auto poolIn = [&](int64_t tokens) {
        return cpuPoolTokens(artifact, onCpu(100, 1, 4), artifact.fileBytes() + tokens * token);
    };
    EXPECT_EQ(poolIn(1000000), 4 * 128) << "a context for each, in pages";
    EXPECT_EQ(poolIn(300), 256);
    EXPECT_EQ(poolIn(128), 128);
    EXPECT_EQ(codeOf([&] { poolIn(127); }), "engine.memory");
    EXPECT_EQ(codeOf([&] { cpuPoolTokens(artifact, onCpu(100), 1); }), "engine.memory");
    EXPECT_EQ(openBackend(100, 1, 4)->poolTokens(), 4 * 128);
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
