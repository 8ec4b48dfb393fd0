// Perplexity, divergence and log-likelihoods as transformers computes them
// (tests/golden/make_evaluation_golden.py).
#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/base/file.h"
#include "core/evaluate/choice_accuracy.h"
#include "core/evaluate/evaluate.h"
#include "tests/support/sample_model.h"

using namespace caldera;
namespace fs = std::filesystem;

namespace {

const fs::path kSource = CALDERA_SOURCE_DIR;

/// Matrices of the blocks in multiples of 1/64.
class RoundedWeights : public WeightSource {
public:
    explicit RoundedWeights(std::shared_ptr<const WeightSource> weights)
        : weights_(std::move(weights)) {}
    const std::vector<TensorInfo>& tensors() const override { return weights_->tensors(); }
    const TensorInfo* find(const std::string& name) const override { return weights_->find(name); }
    void readRows(const std::string& name, int64_t first, int64_t count,
                  std::span<float> out) const override {
        weights_->readRows(name, first, count, out);
        if (name.ends_with("_proj.weight")) {
            for (float& value : out) {
                value = std::nearbyint(value * 64) / 64;
            }
        }
    }

private:
    std::shared_ptr<const WeightSource> weights_;
};

nlohmann::json golden(const std::string& name) {
    return nlohmann::json::parse(
        readTextFile(kSource / "tests/golden/evaluation" / (name + ".json")));
}

void expectSameNumbers(const std::shared_ptr<const Model>& model, const nlohmann::json& expected) {
    auto coarse = std::make_shared<Model>(*model);
    coarse->weights = std::make_shared<RoundedWeights>(model->weights);
    EvaluateRequest request;
    request.subject = modelWeights(coarse);
    request.reference = modelWeights(model);
    request.tokenizer = model->tokenizer;
    request.text = readTextFile(kSource / "resources/demo-model/heldout.txt");
    request.contextLength = expected.at("context");
    request.maxTokens = expected.at("tokens");
    const auto numbers = toRecord("golden", evaluate(request, noProgress(), {})).numbers;
    EXPECT_EQ(numbers.at("tokens"), expected.at("predicted"));
    const auto expectClose = [&](const char* name, const char* other, double relative) {
        const auto value = expected.at(other).get<double>();
        EXPECT_NEAR(numbers.at(name), value, relative * value) << other;
    };
    expectClose("reference_perplexity", "perplexity", 1e-4);
    expectClose("perplexity", "rounded_perplexity", 1e-4);
    for (const char* name : {"kl_mean", "kl_median", "kl_p99", "kl_max"}) {
        expectClose(name, name, 1e-3);
    }
    expectClose("top1_agreement", "top1_agreement", 1e-3);
    expectClose("top5_agreement", "top5_agreement", 1e-3);
}

void expectSameLikelihoods(const std::shared_ptr<const Model>& model,
                           const nlohmann::json& expected) {
    ChoiceRequest request;
    request.subject = modelWeights(model);
    request.tokenizer = model->tokenizer;
    request.questions = readQuestions(kSource / "tests/golden/evaluation/questions.jsonl");
    const ChoiceEvaluation result = evaluateChoices(request, noProgress(), {});
    ASSERT_EQ(result.likelihoods.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
        const auto values = expected[i].at("likelihoods").get<std::vector<double>>();
        EXPECT_EQ(request.questions[i].answer, expected[i].at("answer"));
        ASSERT_EQ(result.likelihoods[i].size(), values.size());
        for (size_t j = 0; j < values.size(); ++j) {
            EXPECT_NEAR(result.likelihoods[i][j], values[j], 1e-3) << i << " " << j;
        }
    }
}

} // namespace

TEST(EvaluationGolden, TheDemoModelsNumbersAreTransformers) {
    expectSameNumbers(openModel(kSource / "resources/demo-model"), golden("demo"));
}

TEST(EvaluationGolden, TheDemoModelsLikelihoodsAreTransformers) {
    expectSameLikelihoods(openModel(kSource / "resources/demo-model"),
                          golden("demo").at("questions"));
}

TEST(EvaluationGolden, SmolLm2sNumbersAreTransformers) {
    const fs::path file = test::sampleModel();
    ASSERT_FALSE(file.empty()) << test::kNoSampleModel;
    const auto model = openModel(file);
    expectSameNumbers(model, golden("smollm2"));
    expectSameLikelihoods(model, golden("smollm2").at("questions"));
}
