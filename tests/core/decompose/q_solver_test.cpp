#include "core/decompose/q_solver.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/linalg/factorization.h"
#include "core/linalg/numerics.h"
#include "core/linalg/random.h"
#include "core/model/codec_facts.h"

namespace caldera {
namespace {

constexpr MatrixShape kShape = {40, 150};

/// Sums of random signs: nearly normal.
torch::Tensor randomMatrix(int64_t rows, int64_t columns, uint64_t seed) {
    torch::Tensor sum = at::zeros({rows, columns}, at::kFloat);
    for (uint64_t i = 0; i < 12; ++i) {
        sum += randomSigns(rows, columns, deriveSeed(seed + i, "sum"));
    }
    return sum / std::sqrt(12.0);
}

/// Inputs that depend on each other, of mean square 1.
torch::Tensor randomHessian(int64_t size) {
    const torch::Tensor mix = randomMatrix(size, size, 81) / std::sqrt(double(size)) * 0.8;
    const torch::Tensor x =
        at::mm(randomMatrix(3 * size, size, 82), mix + at::eye(size, at::kFloat));
    const torch::Tensor h = at::mm(x.t(), x);
    return h / h.diagonal().mean();
}

class QSolverOf : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override { fixNumerics(1); }

    double errorOf(const QuantizedWeight& q) const {
        const torch::Tensor error = target_ - solver_.dense(q);
        return (at::mm(error, basis_.matrix) * error).sum(at::kDouble).item<double>();
    }

    torch::Tensor target_ = randomMatrix(kShape.rows, kShape.columns, 80) * 0.02;
    DampedCholesky basis_ = dampedCholesky(randomHessian(kShape.columns), 0.01);
    std::shared_ptr<const Codec> codec_ = makeCodec(GetParam());
    QSolver solver_{*codec_, kShape, basis_.matrix, basis_.factor, {}};
};

TEST_P(QSolverOf, FeedbackAndSweepsLowerTheErrorOfRoundingToNearest) {
    QuantizedWeight q = solver_.encode(target_);
    const double nearest = errorOf(solver_.nearest(target_));
    const double encoded = errorOf(q);
    EXPECT_LT(encoded, 0.9 * nearest);
    solver_.improve(target_, q);
    EXPECT_LE(errorOf(q), encoded * (1 + 1e-5));
}

TEST_P(QSolverOf, CodesAreWhatWasMeant) {
    QuantizedWeight q = solver_.encode(target_);
    solver_.improve(target_, q);
    const std::vector<std::byte> codes = QSolver::pack(q);
    const int64_t columns = padTo(kShape.columns, codec_->blockColumns());
    torch::Tensor values = at::empty({48, columns}, at::kFloat);
    codec_->decodeRows(codes, kShape, 0, 48,
                       {values.data_ptr<float>(), static_cast<size_t>(values.numel())});
    EXPECT_TRUE(at::equal(values, q.values));
}

std::vector<std::string> codecsWithBits() {
    std::vector<std::string> ids;
    for (const CodecFacts& facts : codecFacts()) {
        if (facts.bits > 0) {
            ids.emplace_back(facts.id);
        }
    }
    return ids;
}

INSTANTIATE_TEST_SUITE_P(Codecs, QSolverOf, testing::ValuesIn(codecsWithBits()),
                         [](const auto& test) {
                             std::string name = test.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

} // namespace
} // namespace caldera
