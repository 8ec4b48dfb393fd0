// The text that is measured on, tables at fewer bits, and the lens.
#include "core/fidelity/held_out.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/artifact/table_codes.h"
#include "core/fidelity/lens_metric.h"
#include "core/fidelity/rounded_table.h"
#include "tests/support/code_of.h"
#include "tests/support/matrix_problem.h"
#include "tests/support/random_model.h"

using namespace caldera;

namespace {

torch::Tensor windowsOf(const std::string& text, int64_t tokens, int window) {
    return heldOutTokens(*test::tinyTokenizer(), {text, tokens, window}, test::tinyConfig());
}

} // namespace

TEST(HeldOut, GivesWholeWindowsFromTheBeginning) {
    const std::string text = test::tinyText(100);
    const torch::Tensor tokens = windowsOf(text, 75, 20);
    EXPECT_EQ(tokens.sizes(), (std::vector<int64_t>{3, 20}));
    const std::vector<Token> all = test::tinyTokenizer()->encode(text);
    EXPECT_EQ(tokens[1][0].item<int64_t>(), all[20]);
    EXPECT_EQ(windowsOf(text, 75, 1000).sizes(), (std::vector<int64_t>{1, 64}))
        << "as many positions as the model has";
    EXPECT_EQ(windowsOf("abcde", 75, 20).sizes(), (std::vector<int64_t>{1, 5}));
    EXPECT_EQ(test::codeOf([] { windowsOf("a", 75, 20); }), "fidelity.too-short");
    EXPECT_EQ(test::codeOf([] { windowsOf("", 75, 20); }), "fidelity.too-short");
}

TEST(RoundedTable, IsWhatAnArtifactHolds) {
    const torch::Tensor x = test::randomMatrix(5, 100, 1);
    std::vector<int8_t> codes(100);
    const std::span row(x[2].data_ptr<float>(), 100);
    const uint16_t scale = encodeEightBit(row, codes.data());
    const torch::Tensor eight = roundedRows(x, 8);
    std::vector<float> expected(100);
    decodeTableRow({{1, 100}, 8, std::as_bytes(std::span(codes)), std::span(&scale, 1)}, 0,
                   expected.data());
    for (int64_t i = 0; i < 100; ++i) {
        EXPECT_EQ(eight[2][i].item<float>(), expected[static_cast<size_t>(i)]);
    }
    const auto error = [&](const torch::Tensor& rounded) {
        return ((rounded - x).square().sum() / x.square().sum()).sqrt().item<double>();
    };
    EXPECT_LT(error(eight), 0.01);
    EXPECT_GT(error(eight), 1e-4);
    EXPECT_LT(error(roundedRows(x, 4)), 0.15);
    EXPECT_GT(error(roundedRows(x, 4)), 0.02);
    EXPECT_EQ(roundedRows(x.view({1, 5, 100}), 4).sizes(), (std::vector<int64_t>{1, 5, 100}));
}

TEST(Lens, FindsEveryTokenAmongEmbeddingsAndNoneInTheirNegatives) {
    const auto weights = modelWeights(test::tinyModel());
    const torch::Tensor tokens =
        (at::arange(40, at::TensorOptions(at::kLong)) * 7 % 96).view({2, 20});
    const LensMetric lens(*weights, tokens, {8, 64, 1});
    const torch::Tensor embedded = weights->embed(tokens);
    const LensMetric::Score whole = lens.score(embedded);
    EXPECT_EQ(whole.fidelity, 1);
    EXPECT_GT(whole.margin, 0);
    const LensMetric::Score opposite = lens.score(-embedded);
    EXPECT_EQ(opposite.fidelity, 0);
    EXPECT_LT(opposite.margin, -0.9);
    const LensMetric::Score scaled = lens.score(embedded * 100);
    EXPECT_NEAR(scaled.margin, whole.margin, 1e-4) << "angles alone count";
}

TEST(Lens, EmptyStatesAreNoNumberButZero) {
    const auto weights = modelWeights(test::tinyModel());
    const torch::Tensor tokens = at::zeros({1, 3}, at::kLong);
    const LensMetric lens(*weights, tokens, {8, 16, 1});
    EXPECT_EQ(lens.score(at::zeros({1, 3, 32})).margin, 0);
    EXPECT_EQ(lens.emptyMetric(2).numbers.at("places"), 3) << "no more places than tokens";
}

TEST(Lens, StopsWithinALayer) {
    const auto weights = modelWeights(test::tinyModel());
    const torch::Tensor tokens = at::zeros({1, 3}, at::kLong);
    std::stop_source stop;
    const LensMetric lens(*weights, tokens, {8, 16, 1}, stop.get_token());
    EXPECT_NO_THROW(lens.score(at::zeros({1, 3, 32})));
    stop.request_stop();
    EXPECT_THROW(lens.score(at::zeros({1, 3, 32})), Cancelled);
    EXPECT_THROW(LensMetric(*weights, tokens, {8, 16, 1}, stop.get_token()), Cancelled);
}

TEST(Lens, ComparesWithMoreTokensThanPassTogether) {
    const auto weights = modelWeights(test::tinyModel());
    const torch::Tensor tokens = at::arange(20, at::TensorOptions(at::kLong)).view({1, 20});
    const torch::Tensor hidden = weights->embed(tokens).flip(1);
    const LensMetric all(*weights, tokens, {20, 10000, 1}); // surely each of the 96
    const LensMetric more(*weights, tokens, {20, 20000, 2});
    EXPECT_EQ(all.score(hidden).margin, more.score(hidden).margin);
}
