// Candidates, scores and intervals of token recovery.
#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <stop_token>
#include <utility>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/evaluate/bootstrap.h"
#include "core/fidelity/candidates.h"
#include "core/fidelity/sipit_scores.h"
#include "tests/support/code_of.h"
#include "tests/support/random_model.h"

using namespace caldera;

namespace {

std::shared_ptr<Model> model() {
    auto made = test::tinyModel();
    made->tokenizer = test::tinyTokenizer();
    return made;
}

torch::Tensor someTokens() {
    return (at::arange(60, at::TensorOptions(at::kLong)) * 13 % 96).view({3, 20});
}

torch::Tensor candidates(const Model& of, int64_t count, uint64_t seed = 1) {
    const auto weights = modelWeights(std::make_shared<Model>(of));
    const torch::Tensor tokens = someTokens();
    return candidateTokens(of, *weights, tokens, samplePlaces(tokens, 10, 2), {count, seed},
                           noProgress(), {});
}

/// Asks for a stop when the pass through the model is over.
class StoppingWeights : public TransformerWeights {
public:
    explicit StoppingWeights(std::shared_ptr<const TransformerWeights> weights)
        : weights_(std::move(weights)) {}
    const ModelConfig& config() const override { return weights_->config(); }
    BlockWeights block(int layer) const override { return weights_->block(layer); }
    torch::Tensor embed(const torch::Tensor& tokens) const override {
        return weights_->embed(tokens);
    }
    torch::Tensor finalNorm() const override { return weights_->finalNorm(); }
    torch::Tensor head() const override {
        stop.request_stop();
        return weights_->head();
    }
    mutable std::stop_source stop;

private:
    std::shared_ptr<const TransformerWeights> weights_;
};

} // namespace

TEST(Places, AreDistinctInOrderAndNeverFirst) {
    const torch::Tensor tokens = at::zeros({3, 20}, at::kLong);
    const auto places = samplePlaces(tokens, 30, 1);
    ASSERT_EQ(places.size(), 30U);
    std::set<std::pair<int64_t, int64_t>> seen;
    for (const TokenPlace& place : places) {
        EXPECT_GE(place.position, 1);
        EXPECT_LT(place.position, 20);
        EXPECT_LT(place.sequence, 3);
        if (!seen.empty()) {
            EXPECT_LT(*seen.rbegin(), std::pair(place.sequence, place.position));
        }
        seen.emplace(place.sequence, place.position);
    }
    EXPECT_EQ(samplePlaces(tokens, 1000, 1).size(), 57U) << "all there are";
}

TEST(Candidates, StopBetweenPlaces) {
    const std::shared_ptr<Model> of = model();
    const StoppingWeights weights(modelWeights(of));
    const torch::Tensor tokens = someTokens();
    EXPECT_THROW(candidateTokens(*of, weights, tokens, samplePlaces(tokens, 10, 2), {31, 1},
                                 noProgress(), weights.stop.get_token()),
                 Cancelled);
}

TEST(Candidates, BeginWithTheTrueTokenAndHoldEachOnce) {
    const torch::Tensor tokens = someTokens();
    const auto places = samplePlaces(tokens, 10, 2);
    const torch::Tensor all = candidates(*model(), 31);
    ASSERT_EQ(all.size(0), 10);
    ASSERT_EQ(all.size(1), 31);
    for (int64_t i = 0; i < 10; ++i) {
        const TokenPlace place = places[static_cast<size_t>(i)];
        EXPECT_EQ(all[i][0].item<int64_t>(),
                  tokens[place.sequence][place.position].item<int64_t>());
        const int64_t* row = all[i].data_ptr<int64_t>();
        EXPECT_EQ(std::set<int64_t>(row, row + 31).size(), 31U);
    }
    EXPECT_TRUE(all.equal(candidates(*model(), 31)));
    EXPECT_FALSE(all.equal(candidates(*model(), 31, 9)));
}

TEST(Candidates, HoldTheNearestEmbeddings) {
    auto made = model();
    const TokenPlace place = samplePlaces(someTokens(), 10, 2).front();
    const auto chosen = someTokens()[place.sequence][place.position].item<int64_t>();
    const int64_t neighbour = (chosen + 48) % 96;
    auto weights = test::tinyWeights(made->config, 1);
    auto& table = weights->values("model.embed_tokens.weight");
    for (int64_t i = 0; i < 32; ++i) { // almost the same
        table[static_cast<size_t>(neighbour * 32 + i)] =
            table[static_cast<size_t>(chosen * 32 + i)] * 1.01F;
    }
    made->weights = weights;
    EXPECT_EQ(candidates(*made, 7)[0][1].item<int64_t>(), neighbour);
}

TEST(Candidates, LeaveOutRowsWithoutAToken) {
    auto made = model();
    made->config.vocabSize = 128; // padding rows, as large models have them
    made->weights = test::tinyWeights(made->config, 1);
    EXPECT_LT(candidates(*made, 1000).max().item<int64_t>(), 96);
    EXPECT_EQ(candidates(*made, 1000).size(1), 96) << "all tokens there are";
}

TEST(Recovery, ComparesWithTheNearestOther) {
    // On a line: true token at 0, others at 4 and -10; the state moved to 1, and to 3.
    const torch::Tensor tried = at::tensor({0.F, 4.F, -10.F}).view({1, 3, 1}).repeat({2, 1, 1});
    const RecoveryScores scores = recoveryScores(at::tensor({1.F, 3.F}).view({2, 1}), tried);
    EXPECT_DOUBLE_EQ(scores.noiseRatio[0], 0.5);
    EXPECT_DOUBLE_EQ(scores.noiseRatio[1], 1.5);
    EXPECT_DOUBLE_EQ(scores.margin[0], (3.0 - 1) / (3 + 1));
    EXPECT_DOUBLE_EQ(scores.margin[1], (1.0 - 3) / (1 + 3));
    const Recovery recovery = summarize(scores, 1);
    EXPECT_DOUBLE_EQ(recovery.recovered.mean, 0.5);
    EXPECT_EQ(recovery.recovered.low, 0) << "of two places, both may be lost";
    EXPECT_EQ(recovery.recovered.high, 1);
    EXPECT_NEAR(recovery.noiseRatio.mean, std::sqrt(0.5 * 1.5), 1e-12);
    EXPECT_DOUBLE_EQ(recovery.margin.mean, 0);
    EXPECT_DOUBLE_EQ(recovery.margin.low, -0.5);
    EXPECT_DOUBLE_EQ(recovery.margin.high, 0.5);
}

TEST(Recovery, IsCertainBelowANoiseRatioOfOne) {
    const unsigned seed = std::random_device()();
    at::manual_seed(seed);
    const torch::Tensor tried = at::randn({200, 20, 6});
    const torch::Tensor observed = tried.select(1, 0) + 0.4 * at::randn({200, 6});
    const RecoveryScores scores = recoveryScores(observed, tried);
    int certain = 0;
    for (size_t i = 0; i < 200; ++i) {
        if (scores.noiseRatio[i] < 1) {
            ++certain;
            EXPECT_GT(scores.margin[i], 0) << "seed " << seed;
        }
    }
    EXPECT_GT(certain, 10) << "seed " << seed;
}

TEST(Recovery, CopesWithStatesThatAreTheSame) {
    const torch::Tensor tried = at::zeros({2, 3, 4});
    const Recovery recovery = summarize(recoveryScores(at::zeros({2, 4}), tried), 1);
    EXPECT_TRUE(std::isfinite(recovery.noiseRatio.mean));
    EXPECT_EQ(recovery.recovered.mean, 0);
}

TEST(Bootstrap, HoldsTheMeanAndIsTheSameForASeed) {
    std::mt19937_64 random(3);
    std::normal_distribution<double> normal(5, 2);
    std::vector<double> values(400);
    std::generate(values.begin(), values.end(), [&] { return normal(random); });
    const MeanInterval interval = bootstrapMean(values, 1);
    EXPECT_LT(interval.low, interval.mean);
    EXPECT_GT(interval.high, interval.mean);
    // Half a width of 1.96 standard errors.
    EXPECT_NEAR((interval.high - interval.low) / 2, 1.96 * 2 / 20, 0.04);
    const MeanInterval again = bootstrapMean(values, 1);
    EXPECT_EQ(again.low, interval.low);
    EXPECT_EQ(again.high, interval.high);
    EXPECT_EQ(bootstrapMean(std::vector<double>{4}, 1).low, 4);
}
