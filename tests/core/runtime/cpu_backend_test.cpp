#include "core/runtime/cpu_backend.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/core/runtime/engine_fixture.h"
#include "tests/support/backend_logits.h"
#include "tests/support/code_of.h"

namespace caldera {
namespace {

using namespace test;

double largestDifference(std::span<const float> a, std::span<const float> b) {
    double largest = a.size() == b.size() ? 0 : 1e30;
    for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        const double difference = std::abs(a[i] - b[i]);
        largest = std::max(largest, std::isnan(difference) ? 1e30 : difference);
    }
    return largest;
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
    const auto backend = caldera::openBackend(model.artifact(), settings);
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
        Variant{"roundedMixed",
                {.codec = "trellis", .bits = 2, .overrides = mixedCodes(), .seed = 11}},
        Variant{"skippedCells",
                {.skipped = {"model.layers.0.self_attn.k_proj", "model.layers.1.*",
                             "model.layers.2.mlp.down_proj"},
                 .seed = 6}}),
    [](const auto& test) { return test.param.name; });

class CpuBackendTest : public EngineTest {};

TEST_F(CpuBackendTest, TakesAPromptInBatchesAsTokenByToken) {
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

TEST_F(CpuBackendTest, AgreesForEveryNumberOfThreads) {
    const auto tokens = randomTokens(70, 8);
    const auto one = copyOf(logitsAfter(*openBackend(128, 1), tokens));
    for (const int threads : {2, 3}) {
        const auto backend = openBackend(128, threads);
        EXPECT_LT(largestDifference(logitsAfter(*backend, tokens), one), 1e-5) << threads;
    }
}

TEST_F(CpuBackendTest, RepeatsItselfExactly) {
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
    const auto together = caldera::openBackend(model.artifact(), onCpu(128, 2, kChats));
    const auto alone = caldera::openBackend(model.artifact(), onCpu(128, 2, kChats));
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

TEST_F(CpuBackendTest, StepsSeveralSequencesAsEachAlone) {
    // Sums of several vectors are made in another order than those of one.
    EXPECT_LT(differenceInCompany(*model_), 1e-3);
    EXPECT_EQ(differenceInCompany(TinyModel({.codec = "trellis", .bits = 2, .seed = 8})), 0)
        << "but not for trellis codes";
}

TEST_F(CpuBackendTest, LeavesNoTraceOfACancelledPrompt) {
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

TEST_F(CpuBackendTest, SharesOutTheMemoryOfTheMachine) {
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

} // namespace
} // namespace caldera
