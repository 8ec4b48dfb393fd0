#include "core/linalg/spectrum.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

using namespace caldera;

TEST(Spectrum, EqualsTheSingularValues) {
    at::manual_seed(4);
    const torch::Tensor matrix = at::randn({90, 60});
    const torch::Tensor exact = std::get<1>(at::linalg_svd(matrix.to(at::kDouble)));
    for (const torch::Tensor& side : {matrix, matrix.t().contiguous()}) {
        const Spectrum spectrum = spectrumOf(side, 20);
        ASSERT_EQ(spectrum.leading.size(), 20U);
        for (int64_t i = 0; i < 20; ++i) {
            EXPECT_NEAR(spectrum.leading[static_cast<size_t>(i)], exact[i].item<double>(), 1e-4);
        }
        const double energy = exact.square().sum().item<double>();
        const double tail = exact.narrow(0, 20, 40).square().sum().item<double>();
        EXPECT_NEAR(spectrum.tailEnergy, tail / energy, 1e-6);
    }
}

TEST(Spectrum, OfAWholeMatrixLeavesNoTail) {
    at::manual_seed(5);
    const Spectrum spectrum = spectrumOf(at::randn({12, 30}));
    EXPECT_EQ(spectrum.leading.size(), 12U);
    EXPECT_EQ(spectrum.tailEnergy, 0);
    EXPECT_EQ(spectrumOf(at::zeros({4, 4})).tailEnergy, 0);
}

TEST(Spectrum, OfALargeMatrixFindsWhatWasPutIn) {
    at::manual_seed(6);
    const auto orthonormal = [](int64_t size) {
        return std::get<0>(at::linalg_qr(at::randn({size, 8})));
    };
    const torch::Tensor values = at::linspace(80, 10, 8);
    const torch::Tensor matrix =
        at::mm(orthonormal(2200) * values, orthonormal(2100).t()) + 1e-4 * at::randn({2200, 2100});
    const Spectrum spectrum = spectrumOf(matrix, 8);
    for (int64_t i = 0; i < 8; ++i) {
        EXPECT_NEAR(spectrum.leading[static_cast<size_t>(i)], values[i].item<float>(), 0.01);
    }
    const Spectrum again = spectrumOf(matrix, 8);
    EXPECT_EQ(spectrum.leading, again.leading);
}
