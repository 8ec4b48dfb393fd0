// The runtime at 16 bits against the forward pass in LibTorch with the artifact's decoded weights.
//
//   decode_truth ARTIFACT TEXT cpu|cuda TOKENS
//
// Prints how far logits are apart over the first TOKENS tokens of a text, one window, how often
// both find the same token likeliest; the same after prompts of several lengths that are read at
// once; and for how many of 64 greedily chosen tokens, each after those that the runtime chose
// before, both agree.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "core/base/file.h"
#include "core/forward/transformer.h"
#include "core/runtime/backend.h"
#include "tests/bench/bench_main.h"

using namespace caldera;

namespace {

constexpr size_t kAnswerTokens = 64;
constexpr size_t kPromptTokens = 32;
constexpr size_t kPromptStep = 50; ///< tokens that the next prompt is longer

/// Logits after every token, [tokens, vocab].
torch::Tensor forwardLogits(const TransformerWeights& weights, std::span<const Token> tokens) {
    const torch::NoGradGuard noGradients;
    const auto ids = torch::tensor(std::vector<int64_t>(tokens.begin(), tokens.end())).unsqueeze(0);
    return logitsOf(weights, forwardHidden(weights, ids)).squeeze(0);
}

torch::Tensor lastLogits(Backend& backend) {
    const std::span<const float> logits = backend.logits();
    return torch::tensor(std::vector<float>(logits.begin(), logits.end()));
}

torch::Tensor logitsAfter(Backend& backend, Token token) {
    const Backend::Next next{0, token};
    backend.step({&next, 1});
    return lastLogits(backend);
}

/// [rows, vocab] each.
void compare(const char* what, const torch::Tensor& got, const torch::Tensor& expected) {
    const torch::Tensor difference = got - expected;
    const auto agreeing = (got.argmax(1) == expected.argmax(1)).to(torch::kFloat64).mean();
    std::printf("%lld %s: logits differ by %.4f RMS, %.4f at most (theirs: %.3f RMS); the same "
                "token is likeliest after %.2f %%\n",
                static_cast<long long>(got.size(0)), what,
                difference.pow(2).mean().sqrt().item<double>(),
                difference.abs().max().item<double>(), expected.pow(2).mean().sqrt().item<double>(),
                100 * agreeing.item<double>());
}

void compareText(Backend& backend, const TransformerWeights& weights,
                 std::span<const Token> tokens) {
    const torch::Tensor expected = forwardLogits(weights, tokens);
    std::vector<torch::Tensor> rows;
    for (const Token token : tokens) {
        rows.push_back(logitsAfter(backend, token));
    }
    compare("tokens", torch::stack(rows), expected);
    rows.clear();
    std::vector<torch::Tensor> expectedRows;
    for (size_t length = kPromptStep; length <= tokens.size(); length += kPromptStep) {
        backend.truncate(0, 0);
        appendInBatches(backend, 0, tokens.first(length), {});
        rows.push_back(lastLogits(backend));
        expectedRows.push_back(expected[static_cast<int64_t>(length) - 1]);
    }
    if (!rows.empty()) {
        compare("prompts", torch::stack(rows), torch::stack(expectedRows));
    }
}

void compareAnswer(Backend& backend, const TransformerWeights& weights,
                   std::span<const Token> prompt) {
    backend.truncate(0, 0);
    std::vector<Token> tokens(prompt.begin(), prompt.end());
    appendInBatches(backend, 0, prompt, {});
    torch::Tensor logits = lastLogits(backend);
    for (size_t i = 0; i < kAnswerTokens; ++i) {
        tokens.push_back(static_cast<Token>(logits.argmax().item<int64_t>()));
        logits = logitsAfter(backend, tokens.back());
    }
    const torch::Tensor best = forwardLogits(weights, tokens).argmax(1);
    size_t agreeing = 0;
    for (size_t i = prompt.size(); i < tokens.size(); ++i) {
        agreeing += best[static_cast<int64_t>(i) - 1].item<int64_t>() == tokens[i] ? 1 : 0;
    }
    std::printf("%zu of %zu greedy tokens are those of LibTorch\n", agreeing, kAnswerTokens);
}

void run(const std::vector<std::string>& words) {
    const auto artifact = Artifact::open(words.at(0));
    const std::vector<Token> text =
        artifact->tokenizer()->encode(readTextFile(words.at(1)).substr(0, 1 << 18));
    const auto count = std::min(text.size(), static_cast<size_t>(std::stoi(words.at(3))));
    EngineSettings settings;
    settings.contextLength = static_cast<int>(std::max(count, kPromptTokens + kAnswerTokens) + 1);
    settings.activationBits = 16;
    settings.device =
        words.at(2) == "cuda" ? EngineSettings::Device::Cuda : EngineSettings::Device::Cpu;
    const auto backend = openBackend(artifact, settings);
    const auto weights = artifactWeights(artifact);
    compareText(*backend, *weights, std::span(text).first(count));
    compareAnswer(*backend, *weights, std::span(text).first(kPromptTokens));
}

} // namespace

int main(int count, char** words) {
    return runBench(count, words, "decode_truth ARTIFACT TEXT cpu|cuda TOKENS", run);
}
