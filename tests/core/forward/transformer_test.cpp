#include "core/forward/transformer.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/model/safetensors.h"
#include "tests/support/random_model.h"

using namespace caldera;

namespace {

std::filesystem::path goldenFolder(const std::string& name) {
    return std::filesystem::path(CALDERA_SOURCE_DIR) / "tests/golden/transformers" / name;
}

torch::Tensor tensorOf(const TensorView& view, at::ScalarType type) {
    return at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape,
                         at::TensorOptions(type))
        .clone();
}

torch::Tensor logitsFor(const TransformerWeights& weights, const torch::Tensor& tokens) {
    return logitsOf(weights, forwardHidden(weights, tokens));
}

class TransformersGolden : public testing::TestWithParam<const char*> {};

} // namespace

TEST_P(TransformersGolden, LogitsAgreeTo1e4) {
    const std::filesystem::path folder = goldenFolder(GetParam());
    auto model = std::make_shared<Model>();
    model->config =
        parseConfig(nlohmann::json::parse(readTextFile(folder / "config.json")), GetParam());
    model->weights = openSafetensorsWeights(folder);
    const SafetensorsFile golden(folder / "golden.safetensors");
    const torch::Tensor tokens = tensorOf(golden.at("tokens"), at::kInt).to(at::kLong);
    const torch::Tensor expected = tensorOf(golden.at("logits"), at::kFloat);

    const torch::Tensor logits = logitsFor(*modelWeights(model), tokens);
    EXPECT_GT(expected.std().item<float>(), 0.1);
    EXPECT_LT((logits - expected).abs().max().item<float>(), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Models, TransformersGolden,
                         testing::Values("qwen2-untied", "qwen2-tied", "llama-untied", "llama-tied",
                                         "llama3-untied", "llama3-tied"));

TEST(Transformer, ALaterTokenLeavesEarlierLogitsAlone) {
    const auto weights = modelWeights(test::tinyModel());
    torch::Tensor tokens = at::arange(40).remainder(96).view({1, 40});
    const torch::Tensor before = logitsFor(*weights, tokens);
    tokens[0][25] = 7;
    const torch::Tensor after = logitsFor(*weights, tokens);
    const torch::Tensor change = (before - after).abs().amax(2)[0];
    EXPECT_LT(change.narrow(0, 0, 25).max().item<float>(), 1e-6);
    EXPECT_GT(change[25].item<float>(), 1e-3);
    EXPECT_GT(change[39].item<float>(), 1e-6);
}

TEST(Transformer, SequencesDoNotSeeEachOther) {
    const auto weights = modelWeights(test::tinyModel());
    // More sequences than pass together.
    const int64_t length = 64;
    const int64_t n = sequencesPerSlice(length) + 3;
    const torch::Tensor tokens = at::arange(n * length).remainder(95).view({n, length});
    const torch::Tensor together = forwardHidden(*weights, tokens);
    for (const int64_t i : {int64_t{0}, n - 1}) {
        const torch::Tensor alone = forwardHidden(*weights, tokens.narrow(0, i, 1));
        EXPECT_LT((together[i] - alone[0]).abs().max().item<float>(), 1e-4) << i;
    }
}

TEST(Transformer, EachGroupsInputIsSeenOnce) {
    const auto model = test::tinyModel();
    const auto weights = modelWeights(model);
    const torch::Tensor hidden = weights->embed(at::arange(30).view({3, 10}));
    std::array<int64_t, 4> tokens{};
    const torch::Tensor out = blockForward(model->config, weights->block(0), hidden,
                                           [&](InputGroup group, const torch::Tensor& x) {
                                               tokens[static_cast<size_t>(group)] += x.size(0);
                                               EXPECT_EQ(x.size(1), model->config.inputSize(group));
                                           });
    EXPECT_EQ(tokens, (std::array<int64_t, 4>{30, 30, 30, 30}));
    EXPECT_EQ(out.sizes(), hidden.sizes());
    EXPECT_FALSE(at::equal(out, hidden));
}

TEST(Transformer, ATokenOutsideTheEmbeddingIsRefused) {
    const auto weights = modelWeights(test::tinyModel());
    try {
        weights->embed(at::full({1, 2}, 96, at::kLong));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "forward.token");
    }
}
