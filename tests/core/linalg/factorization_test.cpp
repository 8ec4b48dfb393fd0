#include "core/linalg/factorization.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/linalg/numerics.h"
#include "core/linalg/random.h"
#include "tests/support/matrix_problem.h"

namespace caldera {
namespace {

using test::randomMatrix;

class Factorization : public testing::Test {
protected:
    void SetUp() override { fixNumerics(1); }
};

TEST_F(Factorization, FactorsADampedMatrix) {
    const torch::Tensor x = randomMatrix(40, 24, 1);
    const torch::Tensor matrix = at::mm(x.t(), x) / 40;
    const DampedCholesky result = dampedCholesky(matrix, 0.01);
    EXPECT_EQ(result.damping, 0.01);
    EXPECT_TRUE(at::allclose(result.matrix, matrix + at::eye(24) * 0.01));
    EXPECT_TRUE(at::allclose(at::mm(result.factor, result.factor.t()), result.matrix, 1e-4, 1e-5));
}

TEST_F(Factorization, RaisesDampingOnlyWhenTheMatrixNeedsIt) {
    torch::Tensor matrix = at::eye(8, at::kFloat);
    matrix[3][3] = -0.05;
    EXPECT_NEAR(dampedCholesky(matrix, 0.01).damping, 0.1, 1e-12);
    EXPECT_GT(dampedCholesky(at::ones({8, 8}), 0).damping, 0);
}

TEST_F(Factorization, RefusesWhatNoDampingSaves) {
    EXPECT_THROW(dampedCholesky(at::eye(4, at::kFloat) * -100, 0.01), Error);
}

TEST_F(Factorization, SolvesAlsoWhenRankIsMissing) {
    const torch::Tensor x = randomMatrix(3, 8, 2);
    const torch::Tensor m = at::mm(x.t(), x); // rank 3 of 8
    const torch::Tensor expected = at::mm(randomMatrix(5, 3, 3), x);
    const torch::Tensor solution = solveSymmetric(m, at::mm(expected, m));
    EXPECT_TRUE(at::isfinite(solution).all().item<bool>());
    EXPECT_TRUE(at::allclose(at::mm(solution, m), at::mm(expected, m), 1e-2, 1e-1));
}

TEST_F(Factorization, LeadingPartMatchesTheFullDecomposition) {
    for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{48, 96}, {96, 48}}) {
        const torch::Tensor a = randomMatrix(rows, columns, 4);
        const auto [u, s, v] = at::linalg_svd(a, false);
        const LeadingPart part = leadingPart(a, 10, 0);
        EXPECT_TRUE(at::allclose(part.values, s.narrow(0, 0, 10), 1e-3, 1e-3));
        EXPECT_TRUE(at::allclose(at::mm(part.left.t(), part.left), at::eye(10), 1e-3, 1e-3));
        // The same subspace, whatever the signs: the projector reaches the same energy.
        const double energy = at::mm(part.left.t(), a).square().sum().item<double>();
        EXPECT_NEAR(energy, s.narrow(0, 0, 10).square().sum().item<double>(), 1e-3 * energy);
    }
}

TEST_F(Factorization, LargeMatricesAreIteratedToNearlyTheSameSubspace) {
    const torch::Tensor a = at::mm(randomMatrix(1600, 12, 5), randomMatrix(12, 1700, 6)) +
                            randomMatrix(1600, 1700, 7) * 0.1;
    const LeadingPart part = leadingPart(a, 12, 9);
    const double captured = at::mm(part.left.t(), a).square().sum().item<double>();
    const double total = a.square().sum().item<double>();
    EXPECT_NEAR(captured / total, 1 - 0.01 / 12, 3e-4);
    EXPECT_TRUE(at::allclose(at::mm(part.left.t(), part.left), at::eye(12), 1e-3, 1e-3));
}

TEST_F(Factorization, ZeroMatrixHasNoEnergyAndNoNan) {
    const LeadingPart part = leadingPart(at::zeros({32, 16}), 4, 0);
    EXPECT_EQ(part.values.abs().max().item<float>(), 0);
    EXPECT_TRUE(at::isfinite(part.left).all().item<bool>());
}

TEST(Random, SignsAreOfOneSeedAndBalanced) {
    const torch::Tensor signs = randomSigns(1, 4096, 11);
    EXPECT_TRUE(at::equal(signs, randomSigns(1, 4096, 11)));
    EXPECT_FALSE(at::equal(signs, randomSigns(1, 4096, 12)));
    EXPECT_TRUE((signs.abs() == 1).all().item<bool>());
    EXPECT_LT(signs.sum().abs().item<float>(), 300);
}

TEST(Random, SeedsOfDifferentUsesDiffer) {
    EXPECT_NE(deriveSeed(0, "out-sign"), deriveSeed(0, "low-rank"));
    EXPECT_NE(deriveSeed(0, "out-sign"), deriveSeed(1, "out-sign"));
    EXPECT_EQ(deriveSeed(5, "a"), deriveSeed(5, "a"));
}

} // namespace
} // namespace caldera
