#include "core/forward/continuations.h"

#include <stop_token>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/support/random_model.h"

using namespace caldera;

namespace {

/// States of `token` tried at the place, layer by layer, against those of the whole sequence with
/// that token in it.
void expectSameAsWholeSequence(const ModelConfig& config) {
    const auto weights = modelWeights(test::tinyModel(5, config));
    const torch::Tensor tokens =
        (at::arange(40, at::TensorOptions(at::kLong)) * 7 % config.vocabSize).view({2, 20});
    const std::vector<TokenPlace> places = {{0, 1}, {1, 12}, {0, 19}, {1, 1}};
    const torch::Tensor candidates =
        at::tensor({3, 90, 17, 44, 5, 6, 71, 8}, at::kLong).view({4, 2});
    torch::Tensor hidden = weights->embed(tokens);
    torch::Tensor tried = weights->embed(candidates);
    for (int layer = 0; layer < config.layerCount; ++layer) {
        const BlockWeights block = weights->block(layer);
        applyBlockToContinuations(config, block, hidden, places, tried);
        applyBlock(config, block, hidden);
    }
    for (size_t i = 0; i < places.size(); ++i) {
        for (int64_t c = 0; c < 2; ++c) {
            const auto place = static_cast<int64_t>(i);
            torch::Tensor changed = tokens.clone();
            changed[places[i].sequence][places[i].position] = candidates[place][c];
            const torch::Tensor expected =
                forwardHidden(*weights, changed)[places[i].sequence][places[i].position];
            EXPECT_LT((tried[place][c] - expected).abs().max().item<float>(), 2e-5)
                << "place " << i << " token " << c;
        }
    }
}

} // namespace

TEST(Continuations, AreTheStatesOfTheSequenceWithThatToken) {
    expectSameAsWholeSequence(test::tinyConfig());
}

TEST(Continuations, WorkWithoutSharedKeysAndBiases) {
    ModelConfig config = test::tinyConfig();
    config.architecture = "llama";
    config.kvHeadCount = config.headCount;
    config.attentionBias = false;
    expectSameAsWholeSequence(config);
}

TEST(Continuations, StopBetweenPlaces) {
    const auto weights = modelWeights(test::tinyModel());
    const torch::Tensor tokens = at::zeros({1, 3}, at::kLong);
    torch::Tensor tried = weights->embed(tokens);
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(applyBlockToContinuations(weights->config(), weights->block(0),
                                           weights->embed(tokens), {{0, 1}}, tried,
                                           stop.get_token()),
                 Cancelled);
}
