#include "core/evaluate/continuation_scores.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/evaluate/model_pass.h"
#include "core/evaluate/token_scores.h"

namespace caldera {

namespace {

void checkLength(const ModelConfig& config, size_t tokens) {
    const int limit = config.maxPositions;
    if (limit > 0 && tokens > static_cast<size_t>(limit) + 1) { // the last one need not pass
        throw Error("evaluate.context",
                    "The text has " + std::to_string(tokens) + " tokens; the model takes " +
                        std::to_string(limit) + ". Shorten it.",
                    {{"tokens", std::to_string(tokens)}, {"limit", std::to_string(limit)}});
    }
}

/// Scores of some places from their logits [places, vocab].
void scorePlaces(const torch::Tensor& logits, std::span<const Token> tokens, const PlaceWish& wish,
                 std::vector<ScoredPlace>& scores) {
    const int64_t vocabulary = std::min(wish.vocabulary, logits.size(1));
    const torch::Tensor logProbabilities =
        at::log_softmax(logits.narrow(1, 0, vocabulary).to(at::kCPU, at::kDouble), 1)
            .to(at::kFloat);
    const auto [values, ids] =
        logProbabilities.topk(std::min<int64_t>(wish.likeliest, vocabulary), 1);
    const auto all = logProbabilities.accessor<float, 2>();
    const auto top = values.accessor<float, 2>();
    const auto topIds = ids.accessor<int64_t, 2>();
    for (int64_t place = 0; place < logits.size(0); ++place) {
        ScoredPlace score;
        score.token = tokens[static_cast<size_t>(place)];
        score.logProbability = all[place][score.token];
        for (int64_t i = 0; i < values.size(1); ++i) {
            score.likeliest.push_back(static_cast<Token>(topIds[place][i]));
            score.likeliestLogProbabilities.push_back(top[place][i]);
        }
        const double loss = -score.logProbability;
        requireFinite({&loss, 1}, "scored");
        scores.push_back(std::move(score));
    }
}

} // namespace

std::vector<ScoredPlace> scoreContinuation(const TransformerWeights& model,
                                           std::span<const Token> prompt,
                                           std::span<const Token> continuation,
                                           const PlaceWish& wish, Progress& progress,
                                           const std::stop_token& stop) {
    std::vector<int64_t> tokens(prompt.begin(), prompt.end());
    tokens.insert(tokens.end(), continuation.begin(), continuation.end());
    checkLength(model.config(), tokens.size());
    tokens.pop_back();
    progress.stage("score");
    WorkMeter meter(progress, stop);
    const auto passed = static_cast<int64_t>(tokens.size());
    const auto scored = static_cast<int64_t>(continuation.size());
    meter.plan(model.config(), passed, scored);
    ModelPass pass(model, {at::tensor(tokens, at::kLong).view({1, passed})});
    pass.passAllBlocks(meter);
    const Head head(model);
    const torch::Tensor hidden = pass.hidden[0][0].narrow(0, passed - scored, scored);
    std::vector<ScoredPlace> scores;
    forLogitSlices(model.config(), scored, [&](int64_t first, int64_t count) {
        meter.check();
        scorePlaces(head.logits(hidden.narrow(0, first, count)),
                    continuation.subspan(static_cast<size_t>(first), static_cast<size_t>(count)),
                    wish, scores);
        meter.throughHead(model.config(), count);
    });
    return scores;
}

} // namespace caldera
