// The runtime against the forward pass in LibTorch on a model that was trained: the demo model,
// compressed. Built once for the processor and, with CUDA, once for the GPU.
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "core/base/file.h"
#include "core/compress/compress.h"
#include "core/linalg/numerics.h"
#include "core/runtime/backend.h"
#include "kernels/common/device.h"
#include "tests/integration/torch_logits.h"
#include "tests/support/backend_logits.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using test::greedyAnswer;
using test::kAnswerTokens;
using test::torchLogits;

#ifdef CALDERA_TEST_ON_GPU
constexpr auto kDevice = EngineSettings::Device::Cuda;
#else
constexpr auto kDevice = EngineSettings::Device::Cpu;
#endif
constexpr int kTextTokens = 512; ///< all that the model takes
constexpr EngineSettings kSettings = {
    .contextLength = kTextTokens, .threads = 2, .device = kDevice, .activationBits = 16};

class RuntimeOfTheDemoModel : public testing::Test {
protected:
    static void SetUpTestSuite() {
        fixNumerics(1); // small matrices
        fs::remove_all(root());
        CompressRequest request;
        request.model = openModel(model());
        request.plan = defaultPlan(model(), request.model->config);
        request.plan.calibration.tokens = 512;
        request.plan.defaults.outerIterations = 1;
        request.plan.defaults.innerIterations = 1;
        request.out = root() / "demo";
        request.work = root() / "work";
        compress(request, noProgress(), {});
    }
    static void TearDownTestSuite() { fs::remove_all(root()); }
    void SetUp() override {
        if (kDevice == EngineSettings::Device::Cuda && !kernels::cudaDeviceAvailable()) {
            GTEST_SKIP() << kernels::cudaDevice().reason;
        }
        artifact_ = Artifact::open(root() / "demo");
        weights_ = artifactWeights(artifact_);
        text_ = artifact_->tokenizer()->encode(readTextFile(model() + "/heldout.txt"));
        ASSERT_GT(text_.size(), static_cast<size_t>(kTextTokens));
    }

    static std::string model() { return CALDERA_SOURCE_DIR "/resources/demo-model"; }
    static fs::path root() {
        return fs::temp_directory_path() / ("caldera-runtime-demo-" + std::to_string(::getpid()));
    }
    std::vector<Token> textFrom(int first, int count) const {
        return {text_.begin() + first, text_.begin() + first + count};
    }

    std::shared_ptr<const Artifact> artifact_;
    std::shared_ptr<const TransformerWeights> weights_;
    std::vector<Token> text_;
};

TEST_F(RuntimeOfTheDemoModel, AnswersGreedilyAsTheForwardPassWould) {
    const auto engine = Engine::open(artifact_, kSettings);
    int agreeing = 0;
    int chosen = 0;
    for (const int promptTokens : {20, 50, 130}) { // on a GPU by steps, and at once
        const std::vector<Token> tokens =
            greedyAnswer(*engine, textFrom(5 * promptTokens, promptTokens));
        const torch::Tensor best = torchLogits(*weights_, tokens).argmax(1); // [tokens]
        for (size_t i = static_cast<size_t>(promptTokens); i < tokens.size(); ++i) {
            agreeing += best[static_cast<int64_t>(i) - 1].item<int64_t>() == tokens[i] ? 1 : 0;
            ++chosen;
        }
    }
    EXPECT_EQ(chosen, 3 * kAnswerTokens);
    std::printf("%d of %d greedy tokens are the forward pass's\n", agreeing, chosen);
    EXPECT_GE(agreeing, std::ceil(0.99 * chosen));
}

TEST_F(RuntimeOfTheDemoModel, FindsTheSameTokensLikeliestOverAText) {
    const std::vector<Token> tokens = textFrom(0, kTextTokens);
    const auto backend = openBackend(artifact_, kSettings);
    std::vector<float> all; // [tokens, vocab]
    for (const Token& token : tokens) {
        const std::span<const float> logits = test::logitsAfter(*backend, {&token, 1});
        all.insert(all.end(), logits.begin(), logits.end());
    }
    const torch::Tensor got = torch::tensor(all).view({kTextTokens, -1});
    const torch::Tensor expected = torchLogits(*weights_, tokens);
    const double agreement =
        got.argmax(1).eq(expected.argmax(1)).to(torch::kDouble).mean().item<double>();
    const double error = (got - expected).pow(2).mean().sqrt().item<double>();
    const double spread = expected.std().item<double>();
    std::printf("%.2f %% of the likeliest tokens agree; logits differ by %.2e (root mean square, "
                "of a spread of %.2f)\n",
                100 * agreement, error, spread);
    EXPECT_GE(agreement, 0.99);
    EXPECT_LT(error, 2e-3 * spread);
}

} // namespace
} // namespace caldera
