#include "core/decompose/block_factor.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/linalg/numerics.h"
#include "core/linalg/random.h"

namespace caldera {
namespace {

/// Sums of random signs: nearly normal.
torch::Tensor randomMatrix(int64_t rows, int64_t columns, uint64_t seed) {
    torch::Tensor sum = at::zeros({rows, columns}, at::kFloat);
    for (uint64_t i = 0; i < 12; ++i) {
        sum += randomSigns(rows, columns, deriveSeed(seed + i, "sum"));
    }
    return sum / std::sqrt(12.0);
}

/// Symmetric positive definite, its directions of very different weight.
torch::Tensor randomMetric(int64_t size, uint64_t seed) {
    const torch::Tensor x =
        randomMatrix(3 * size, size, seed) * at::linspace(-1.5, 1.5, size, at::kFloat).exp();
    return at::mm(x.t(), x) / static_cast<double>(3 * size);
}

double energy(const torch::Tensor& x, const torch::Tensor& metric) {
    return (at::mm(x, metric) * x).sum(at::kDouble).item<double>();
}

class Factor : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override { fixNumerics(1); }
    std::shared_ptr<const FactorCodec> codec_ = makeFactorCodec(GetParam());
    /// A rank index ten times as large as another.
    torch::Tensor target_ =
        randomMatrix(70, 32, 61) * at::linspace(0.1, 1, 32, at::kFloat); // [rows, rank]
    torch::Tensor metric_ = randomMetric(32, 62);
};

TEST_P(Factor, FeedsErrorsIntoWhatIsStillToCome) {
    const QuantizedFactor factor = roundFactor(target_, metric_, *codec_);
    const QuantizedFactor blind =
        roundFactor(target_, at::diag(metric_.diagonal()), *codec_); // sees no other rank index
    EXPECT_LT(energy(factor.dense() - target_, metric_),
              0.9 * energy(blind.dense() - target_, metric_));
}

TEST_P(Factor, ImprovingNeverHurtsAndLeavesCopiesAlone) {
    QuantizedFactor factor = roundFactor(target_, metric_, *codec_);
    const torch::Tensor moved = target_ + randomMatrix(70, 32, 63) * 0.02;
    const double before = energy(factor.dense() - moved, metric_);
    const QuantizedFactor copy = factor;
    const PackedMatrix packed = packFactor(copy, *codec_, FactorSide::Left);
    improveFactor(factor, moved, metric_, *codec_);
    EXPECT_LT(energy(factor.dense() - moved, metric_), before);
    EXPECT_EQ(packFactor(copy, *codec_, FactorSide::Left), packed);
    const double once = energy(factor.dense() - moved, metric_);
    improveFactor(factor, moved, metric_, *codec_);
    EXPECT_LE(energy(factor.dense() - moved, metric_), once * (1 + 1e-5));
}

TEST_P(Factor, PacksWhatItMeans) {
    const QuantizedFactor factor = roundFactor(target_, metric_, *codec_);
    const PackedMatrix packed = packFactor(factor, *codec_, FactorSide::Left);
    torch::Tensor values = at::empty({70, 32}, at::kFloat);
    codec_->decode(packed.codes, packed.shape,
                   {values.data_ptr<float>(), static_cast<size_t>(values.numel())});
    EXPECT_EQ((values - factor.values).abs().max().item<float>(), 0);
}

TEST_P(Factor, RefusesScalesThatFp16DoesNotHold) {
    try {
        roundFactor(target_ * 1e6, metric_, *codec_);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "decompose.range");
    }
}

INSTANTIATE_TEST_SUITE_P(Codecs, Factor,
                         testing::Values("lloyd-4", "trellis-v2k8m4", "trellis-v4k8m4"),
                         [](const auto& test) {
                             std::string name = test.param;
                             name.resize(std::remove(name.begin(), name.end(), '-') - name.begin());
                             return name;
                         });

TEST(RightBlockRounder, SeesTheMetricOfTheInputAndPacks) {
    fixNumerics(1);
    const auto codec = makeFactorCodec("trellis-v2k8m4");
    const torch::Tensor target = randomMatrix(45, 16, 64); // [columns, rank]
    const torch::Tensor metric = randomMetric(45, 65);
    const torch::Tensor gram = at::eye(16, at::kFloat);
    const auto error = [&](const torch::Tensor& roundedIn) {
        const QuantizedFactor right =
            RightBlockRounder(roundedIn, 16, *codec->blocks()).round(target, gram);
        const PackedMatrix packed = packFactor(right, *codec, FactorSide::Right);
        EXPECT_EQ(packed.shape, (MatrixShape{16, 45}));
        torch::Tensor values = at::empty({16, 45}, at::kFloat);
        codec->decode(packed.codes, packed.shape,
                      {values.data_ptr<float>(), static_cast<size_t>(values.numel())});
        EXPECT_EQ((values.t() - right.values).abs().max().item<float>(), 0);
        return energy((right.dense() - target).t(), metric);
    };
    EXPECT_LT(error(metric), 0.9 * error(at::eye(45, at::kFloat)));
}

} // namespace
} // namespace caldera
