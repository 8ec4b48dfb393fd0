// The runtime, which multiplies packed bytes, against the forward pass in LibTorch, which decodes
// them to dense weights.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/forward/transformer.h"
#include "core/runtime/backend.h"
#include "tests/integration/torch_logits.h"
#include "tests/support/backend_logits.h"
#include "tests/support/tiny_model.h"

namespace caldera {
namespace {

using test::greedyAnswer;
using test::kAnswerTokens;
using test::TinyModel;
using test::TinyOptions;
using test::torchLogits;

constexpr int kPromptTokens = 32;
constexpr EngineSettings kOnCpu = {.contextLength = 128,
                                   .threads = 2,
                                   .device = EngineSettings::Device::Cpu,
                                   .activationBits = 16};

TEST(RuntimeAndForward, ChooseTheSameTokens) {
    const std::vector<TinyOptions> models = {
        {},
        {.architecture = "llama", .hasTiedHead = false, .scalesRope = true, .seed = 3},
        {.hasTiedHead = false,
         .embeddingBits = 8,
         .headBits = 8,
         .skipped = {"model.layers.1.*"},
         .seed = 4},
        {.codec = "trellis", .bits = 2, .embeddingBits = 4, .seed = 5},
    };
    int agreeing = 0;
    int chosen = 0;
    for (const TinyOptions& options : models) {
        const TinyModel model(options);
        const auto engine = Engine::open(model.artifact(), kOnCpu);
        const auto weights = artifactWeights(model.artifact());
        for (const uint32_t seed : {1U, 2U}) {
            const std::vector<Token> tokens =
                greedyAnswer(*engine, test::randomTokens(kPromptTokens, seed));
            const torch::Tensor best =
                torchLogits(*weights, tokens).slice(1, 0, 2048).argmax(1); // [tokens]
            for (size_t i = kPromptTokens; i < tokens.size(); ++i) {
                const auto expected = best[static_cast<int64_t>(i) - 1].item<int64_t>();
                agreeing += expected == tokens[i] ? 1 : 0;
                ++chosen;
            }
        }
    }
    ASSERT_EQ(chosen, 8 * kAnswerTokens);
    EXPECT_GE(agreeing, chosen * 99 / 100);
}

TEST(RuntimeAndForward, ComputeTheSameLogits) {
    const TinyModel model;
    const auto backend = openBackend(model.artifact(), kOnCpu);
    const auto weights = artifactWeights(model.artifact());
    const std::vector<Token> tokens = test::randomTokens(kPromptTokens, 7);
    const torch::Tensor expected = torchLogits(*weights, tokens); // [tokens, vocab]
    for (size_t i = 0; i < tokens.size(); ++i) {
        const std::span<const float> logits =
            test::logitsAfter(*backend, std::span(tokens).subspan(i, 1));
        const torch::Tensor got =
            torch::tensor(std::vector<float>(logits.begin(), logits.end())); // [vocab]
        const double difference =
            (got - expected[static_cast<int64_t>(i)]).abs().max().item<double>();
        ASSERT_LT(difference, 2e-3) << "token " << i;
    }
}

} // namespace
} // namespace caldera
