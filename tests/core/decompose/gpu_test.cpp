// Decomposition on a GPU against the processor.
#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/decompose/decompose.h"
#include "core/linalg/factorization.h"
#include "core/linalg/random.h"

using namespace caldera;

namespace {

class DecomposeOnAGpu : public testing::Test {
protected:
    void SetUp() override {
        if (!at::hasCUDA()) {
            GTEST_SKIP() << "LibTorch finds no CUDA device";
        }
        at::globalContext().setDeterministicAlgorithms(true, true);
    }
};

/// Sums of random signs: nearly normal, the same everywhere.
torch::Tensor randomMatrix(int64_t rows, int64_t columns, uint64_t seed) {
    torch::Tensor sum = at::zeros({rows, columns}, at::kFloat);
    for (uint64_t i = 0; i < 12; ++i) {
        sum += randomSigns(rows, columns, deriveSeed(seed + i, "sum"));
    }
    return sum / std::sqrt(12.0);
}

struct Problem {
    torch::Tensor weight;
    torch::Tensor hessian;
};

Problem makeProblem(int64_t rows, int64_t columns) {
    const torch::Tensor x =
        randomMatrix(2 * columns, columns, 1) * at::linspace(-2, 2, columns, at::kFloat).exp();
    const torch::Tensor lowRank =
        at::mm(randomMatrix(rows, 16, 3), randomMatrix(16, columns, 4)) / 4;
    return {(randomMatrix(rows, columns, 2) * 0.5 + lowRank) * 0.02,
            at::mm(x.t(), x) / static_cast<double>(2 * columns)};
}

CompressedCell solve(const Problem& problem, const CellSettings& settings,
                     const torch::Device& device) {
    const GroupBasis basis =
        makeGroupBasis(problem.hessian.to(device), problem.weight.size(1), settings, 5);
    return decompose({{0, Module::UpProj}, problem.weight.to(device), settings, 6, {}}, basis);
}

CellSettings settingsOf(const std::string& codec, double bits, int rank) {
    CellSettings settings;
    settings.codec = codec;
    settings.bits = bits;
    settings.rank = rank;
    return settings;
}

} // namespace

TEST_F(DecomposeOnAGpu, ComesAsCloseAsTheProcessorWithEveryCodec) {
    const Problem problem = makeProblem(200, 320); // neither is a multiple of a panel
    for (const CellSettings& settings :
         {settingsOf("e8p", 2, 16), settingsOf("e8p", 3, 16), settingsOf("trellis", 1.5, 0),
          settingsOf("trellis", 2, 16), settingsOf("trellis", 2.5, 0), settingsOf("trellis", 3, 16),
          settingsOf("trellis", 4, 0)}) {
        SCOPED_TRACE(settings.codecId());
        const CompressedCell onProcessor = solve(problem, settings, at::kCPU);
        const CompressedCell onGpu = solve(problem, settings, at::kCUDA);
        const double expected = onProcessor.report.relativeError;
        EXPECT_NEAR(onGpu.report.relativeError, expected, 0.02 * expected);
        EXPECT_EQ(onGpu.report.bytes, onProcessor.report.bytes);
        // What the solver meant is what the packed bytes say.
        EXPECT_NEAR(onGpu.report.history.back().relativeError, onGpu.report.relativeError,
                    1e-3 * expected);
    }
}

TEST_F(DecomposeOnAGpu, GivesTheSameBytesEveryTime) {
    const Problem problem = makeProblem(160, 256);
    const CellSettings settings = settingsOf("trellis", 2, 32);
    const CompressedCell first = solve(problem, settings, at::kCUDA);
    const CompressedCell second = solve(problem, settings, at::kCUDA);
    EXPECT_EQ(first.q.codes, second.q.codes);
    EXPECT_EQ(first.q.scale, second.q.scale);
    EXPECT_EQ(first.l.codes, second.l.codes);
    EXPECT_EQ(first.r.codes, second.r.codes);
}

TEST_F(DecomposeOnAGpu, FindsLeadingDirectionsOfLargeMatrices) {
    const Problem problem = makeProblem(1600, 1700);
    torch::Tensor metric = problem.hessian / problem.hessian.diagonal().mean();
    metric.diagonal().add_(1);
    const auto energy = [&](const torch::Tensor& left) {
        const torch::Tensor reached = at::mm(left.t(), problem.weight); // [count, columns]
        return (at::mm(reached, metric) * reached).sum().item<double>();
    };
    const torch::Tensor expected = leadingDirections(problem.weight, metric, 32, 1);
    const torch::Tensor found =
        leadingDirections(problem.weight.cuda(), metric.cuda(), 32, 1).cpu();
    EXPECT_TRUE(at::allclose(at::mm(found.t(), found), at::eye(32, at::kFloat), 1e-3, 1e-3));
    EXPECT_NEAR(energy(found), energy(expected), 0.01 * energy(expected));
}
