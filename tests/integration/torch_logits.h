// What the forward pass in LibTorch makes of tokens, and what the runtime answers to them.
#pragma once

#include <utility>
#include <vector>

#include <torch/torch.h>

#include "core/forward/transformer.h"
#include "core/runtime/engine.h"

namespace caldera::test {

inline constexpr int kAnswerTokens = 64;

/// A prompt and after it its greedy answer of kAnswerTokens.
inline std::vector<Token> greedyAnswer(Engine& engine, std::vector<Token> prompt) {
    SamplingOptions greedy;
    greedy.temperature = 0;
    greedy.maxTokens = kAnswerTokens;
    GenerationStatistics statistics;
    std::vector<Token> answer;
    engine.generate(prompt, {}, greedy,
                    [&answer](Token token) {
                        answer.push_back(token);
                        return true;
                    },
                    statistics, {});
    prompt.insert(prompt.end(), answer.begin(), answer.end());
    return prompt;
}

/// Logits after every token: [tokens, vocab].
inline torch::Tensor torchLogits(const TransformerWeights& weights,
                                 const std::vector<Token>& tokens) {
    const torch::NoGradGuard noGrad;
    const torch::Tensor ids =
        torch::tensor(std::vector<int64_t>(tokens.begin(), tokens.end())).unsqueeze(0);
    return logitsOf(weights, forwardHidden(weights, ids)).squeeze(0);
}

} // namespace caldera::test
