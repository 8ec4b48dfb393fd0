#include "core/fidelity/compression_noise.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/support/matrix_problem.h"

using namespace caldera;

namespace {

struct Noise {
    test::MatrixProblem problem = test::randomProblem(48, 64);
    CellSettings settings;
    GroupBasis basis = makeGroupBasis(problem.hessian, 64, settings, 7);
    CellBasis cell{basis, settings, 48, 8};

    torch::Tensor at(double relativeError, uint64_t seed) const {
        return noisyWeight(problem.weight, cell, relativeError, seed) - problem.weight;
    }
    /// By the definition, unrotated.
    double relativeError(const torch::Tensor& error) const {
        const torch::Tensor metric = test::metricOf(problem.hessian);
        const auto energy = [&](const torch::Tensor& x) {
            const torch::Tensor wide = x.to(at::kDouble);
            return (at::mm(wide, metric) * wide).sum().item<double>();
        };
        return std::sqrt(energy(error) / energy(problem.weight));
    }
};

} // namespace

TEST(CompressionNoise, HasTheErrorThatIsAskedFor) {
    const Noise noise;
    for (const double level : {0.3, 0.01}) {
        EXPECT_NEAR(noise.relativeError(noise.at(level, 1)), level, 1e-3 * level);
    }
    EXPECT_EQ(noise.at(0, 1).abs().max().item<float>(), 0);
}

TEST(CompressionNoise, IsTheSameForASeed) {
    const Noise noise;
    EXPECT_TRUE(noise.at(0.2, 1).equal(noise.at(0.2, 1)));
    EXPECT_FALSE(noise.at(0.2, 1).equal(noise.at(0.2, 2)));
}

/// Errors are larger where inputs are small, as LDLQ leaves them.
TEST(CompressionNoise, IsShapedAsTheErrorsOfCompression) {
    const Noise noise;
    CellSettings settings;
    settings.rank = 0;
    const CompressedCell made = test::solve(noise.problem, settings);
    const torch::Tensor real = reconstruct(made) - noise.problem.weight;
    const torch::Tensor noisy = noise.at(made.report.relativeError, 3);
    const double ratio = noisy.square().sum().item<double>() / real.square().sum().item<double>();
    EXPECT_NEAR(ratio, 1, 0.3);
    const torch::Tensor white = noise.cell.unrotated(test::randomMatrix(48, 64, 4));
    const double whiteEnergy = (white * (made.report.relativeError / noise.relativeError(white)))
                                   .square()
                                   .sum()
                                   .item<double>();
    EXPECT_LT(whiteEnergy, 0.7 * real.square().sum().item<double>());
}

TEST(CompressionNoise, ZerosStayZeros) {
    Noise noise;
    noise.problem.weight.zero_();
    EXPECT_EQ(noise.at(0.2, 1).abs().max().item<float>(), 0);
}
