#include "core/forward/attention.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/random_model.h"

using namespace caldera;

namespace {

constexpr int64_t kLength = 37;

struct Inputs {
    torch::Tensor query = at::randn({2, kLength, 6, 8});
    torch::Tensor key = at::randn({2, kLength, 2, 8});
    torch::Tensor value = at::randn({2, kLength, 2, 8});
};

} // namespace

TEST(Attention, SlicesEqualTheWhole) {
    at::manual_seed(1);
    const Inputs in;
    const torch::Tensor whole = causalAttention(in.query, in.key, in.value);
    for (const int64_t elements : {int64_t{1}, int64_t{2 * 6 * kLength * 5}}) {
        const torch::Tensor sliced = causalAttention(in.query, in.key, in.value, elements);
        EXPECT_LT((sliced - whole).abs().max().item<float>(), 1e-5) << elements;
    }
}

TEST(Attention, EqualsTheSumWrittenOut) {
    at::manual_seed(2);
    const Inputs in;
    const torch::Tensor out = causalAttention(in.query, in.key, in.value);
    const int64_t sequence = 1;
    const int64_t head = 4; // of key head 1: heads 3, 4, 5
    const int64_t place = 20;
    const torch::Tensor query = in.query[sequence][place][head];
    torch::Tensor sum = at::zeros({8});
    double total = 0;
    for (int64_t earlier = 0; earlier <= place; ++earlier) {
        const double score =
            std::exp((query * in.key[sequence][earlier][1]).sum().item<double>() / std::sqrt(8.0));
        sum += score * in.value[sequence][earlier][1];
        total += score;
    }
    EXPECT_TRUE(at::allclose(out[sequence][place][head], sum / total, 1e-4, 1e-5));
}

TEST(Rotary, KeepsLengthsAndDependsOnDistanceOnly) {
    at::manual_seed(3);
    const RotaryTable table = rotaryTable(test::tinyConfig(), 30, at::kCPU);
    const torch::Tensor query = at::randn({1, 1, 1, 8}).expand({1, 30, 1, 8});
    const torch::Tensor key = at::randn({1, 1, 1, 8}).expand({1, 30, 1, 8});
    const torch::Tensor turnedQuery = rotate(query, table).view({30, 8});
    const torch::Tensor turnedKey = rotate(key, table).view({30, 8});
    EXPECT_TRUE(at::allclose(turnedQuery.norm(2, 1), query.view({30, 8}).norm(2, 1), 1e-5));
    const auto score = [&](int64_t i, int64_t j) {
        return (turnedQuery[i] * turnedKey[j]).sum().item<double>();
    };
    EXPECT_NEAR(score(12, 5), score(29, 22), 1e-5);
    EXPECT_GT(std::abs(score(12, 5) - score(12, 6)), 1e-4);
}

TEST(Rotary, ScalingStretchesLongWavesOnly) {
    ModelConfig config = test::tinyConfig();
    config.headSize = 64;
    config.ropeTheta = 500000;
    const RotaryTable plain = rotaryTable(config, 3, at::kCPU);
    config.ropeScaling = RopeScaling{8.0, 1.0, 4.0, 8192};
    const RotaryTable scaled = rotaryTable(config, 3, at::kCPU);
    EXPECT_TRUE(at::equal(plain.sine.select(1, 0), scaled.sine.select(1, 0)));
    EXPECT_NEAR((plain.sine[1][31] / scaled.sine[1][31]).item<float>(), 8.0F, 1e-3);
}
