// Matrices and Hessians that no model should have and some do: every one gives a correct result or
// a sentence, never a number that is none.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/compress/compress.h"
#include "core/linalg/numerics.h"
#include "core/model/codec_facts.h"
#include "tests/core/compress/compress_fixture.h"
#include "tests/support/matrix_problem.h"

namespace caldera {
namespace {

using test::MatrixProblem;
using test::randomProblem;
using testing::HasSubstr;
using testing::StartsWith;

/// More columns than a panel has, blocks of the rotation of 32 and of 1, padding on both sides.
constexpr MatrixShape kShapes[] = {{160, 231}, {48, 160}, {3, 231}, {231, 3}, {160, 1},
                                   {1, 160},   {1, 3},    {3, 1},   {1, 1},   {3, 3}};

std::string textOf(MatrixShape shape) {
    return std::to_string(shape.rows) + " x " + std::to_string(shape.columns);
}

/// One codec of each family: that nearest to 2 bits from above.
std::vector<CellSettings> oneOfEachFamily() {
    std::vector<CellSettings> all;
    std::set<std::string> seen;
    for (const CodecFacts& facts : codecFacts()) {
        if (facts.bits >= 2 && seen.insert(facts.family).second) {
            CellSettings settings;
            settings.codec = facts.family;
            settings.bits = 2;
            settings.outerIterations = 1;
            settings.innerIterations = 2;
            while (findCodecFacts(settings.codec, settings.bits) == nullptr && settings.bits < 16) {
                settings.bits += 1;
            }
            all.push_back(settings);
        }
    }
    return all;
}

CellSettings lowRankAlone() {
    CellSettings settings;
    settings.codec = "none";
    settings.bits = 0;
    settings.rank = 16;
    return settings;
}

CellSettings withoutFactors(CellSettings settings) {
    settings.rank = 0;
    return settings;
}

/// Rank 0, and 16 where the matrix has room for it.
std::vector<int> ranksOf(MatrixShape shape) {
    return std::min(shape.rows, shape.columns) >= 16 ? std::vector<int>{0, 16}
                                                     : std::vector<int>{0};
}

bool allFinite(const std::vector<float>& values) {
    return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

void expectFinite(const CompressedCell& cell) {
    EXPECT_TRUE(at::isfinite(reconstruct(cell)).all().item<bool>());
    const CellReport& report = cell.report;
    EXPECT_TRUE(std::isfinite(report.relativeError) && std::isfinite(report.proxyError));
    for (const auto* curve :
         {&report.rowError, &report.columnError, &report.hessianDiagonal, &report.singularValues,
          &report.hessianSingularValues, &report.residualSingularValues}) {
        EXPECT_TRUE(allFinite(*curve));
    }
    for (const HistoryEntry& entry : report.history) {
        EXPECT_TRUE(std::isfinite(entry.relativeError));
    }
}

/// The error of rounding the same matrix without a look at the Hessian, in the same metric.
double roundingError(const MatrixProblem& problem, const CellSettings& settings) {
    const MatrixProblem blind{problem.weight, at::eye(problem.weight.size(1), at::kFloat)};
    return test::relativeError(problem, test::solve(blind, withoutFactors(settings)));
}

/// What must be reached: the error of rounding, or half of what L R leaves to Q. Groups with scales
/// of their own hold some matrices exactly (a constant, a single outlier), factors of 4 bits do
/// not.
double neededError(const MatrixProblem& problem, const CellSettings& settings,
                   const CompressedCell& cell) {
    // A few weights that share one codeword may be unlucky with any metric.
    const bool isSmall = std::min(problem.weight.size(0), problem.weight.size(1)) <= 3;
    const double rounding = roundingError(problem, settings) * (isSmall ? 1.5 : 1.02) + 1e-3;
    const HistoryEntry& first = cell.report.history.front();
    return first.step == "LR" ? std::max(rounding, first.relativeError / 2) : rounding;
}

class BadInput : public testing::Test {
protected:
    void SetUp() override { fixNumerics(1); } // small matrices

    /// `spoil` changes a random problem of each shape. Families of codecs take turns from `first`
    /// on, so that tests that begin with different ones meet every pair.
    template <class Spoil>
    void everywhere(size_t first, Spoil spoil) {
        each(first, [&](MatrixProblem problem, const CellSettings& settings) {
            spoil(problem);
            check(problem, settings);
        });
    }

    /// A right result, or a sentence that says what is out of range.
    template <class Spoil>
    void everywhereOrRefused(size_t first, Spoil spoil) {
        each(first, [&](MatrixProblem problem, const CellSettings& settings) {
            spoil(problem);
            try {
                check(problem, settings);
            } catch (const Error& e) {
                EXPECT_EQ(e.code(), "decompose.range") << e.what();
            }
        });
    }

    void check(const MatrixProblem& problem, const CellSettings& settings) {
        const CompressedCell cell = test::solve(problem, settings);
        expectFinite(cell);
        const double found = test::relativeError(problem, cell);
        EXPECT_NEAR(cell.report.relativeError, found, 1e-3 + 0.01 * found);
        EXPECT_LE(found, neededError(problem, settings, cell));
    }

private:
    template <class Use>
    void each(size_t first, Use use) {
        const std::vector<CellSettings> families = oneOfEachFamily();
        size_t turn = first;
        for (const MatrixShape shape : kShapes) {
            for (const int rank : ranksOf(shape)) {
                CellSettings settings = families[turn++ % families.size()];
                settings.rank = rank;
                SCOPED_TRACE(textOf(shape) + ", " + settings.codecId() + ", rank " +
                             std::to_string(rank));
                use(randomProblem(shape.rows, shape.columns), settings);
            }
        }
    }
};

TEST_F(BadInput, AZeroHessianCountsPlainErrors) {
    everywhere(0, [](MatrixProblem& p) { p.hessian.zero_(); });
}

TEST_F(BadInput, AHessianOfRankOneDoesNoHarm) {
    everywhere(1, [](MatrixProblem& p) {
        const torch::Tensor x = test::randomMatrix(p.hessian.size(0), 1, 5);
        p.hessian = at::mm(x, x.t());
    });
}

TEST_F(BadInput, TheScaleOfAHessianMeansNothing) {
    everywhere(2, [](MatrixProblem& p) { p.hessian *= 1e-30; });
    everywhere(3, [](MatrixProblem& p) { p.hessian *= 1e30; });
}

TEST_F(BadInput, DeadChannelsDoNoHarm) {
    everywhere(4, [](MatrixProblem& p) {
        const int64_t dead = (p.hessian.size(0) + 1) / 2;
        p.hessian.narrow(0, 0, dead).zero_();
        p.hessian.narrow(1, 0, dead).zero_();
    });
}

TEST_F(BadInput, ASlightlyIndefiniteHessianDoesNoHarm) {
    everywhere(0, [](MatrixProblem& p) {
        const torch::Tensor x = test::randomMatrix(p.hessian.size(0), 1, 5);
        p.hessian = at::mm(x, x.t());
        const double mean = p.hessian.diagonal().mean().item<double>();
        // Off the diagonal, so that the smallest eigenvalue falls below zero and no entry of the
        // diagonal does.
        torch::Tensor noise =
            test::randomMatrix(p.hessian.size(0), p.hessian.size(0), 6) * (1e-6 * mean);
        noise = noise + noise.t();
        noise.diagonal().zero_();
        p.hessian += noise;
    });
}

TEST_F(BadInput, ConstantAndZeroWeightsAreKept) {
    everywhere(1, [](MatrixProblem& p) { p.weight.fill_(0.02); });
    everywhere(2, [](MatrixProblem& p) { p.weight.zero_(); });
}

TEST_F(BadInput, ZeroWeightsDecodeToZero) {
    for (const CellSettings& settings : oneOfEachFamily()) {
        MatrixProblem problem = randomProblem(231, 231);
        problem.weight.zero_();
        EXPECT_EQ(
            reconstruct(test::solve(problem, withoutFactors(settings))).abs().max().item<float>(),
            0);
    }
}

TEST_F(BadInput, TinyAndHugeWeightsAreKeptOrRefused) {
    everywhereOrRefused(3, [](MatrixProblem& p) { p.weight *= 1e-12; });
    everywhereOrRefused(4, [](MatrixProblem& p) { p.weight *= 1e30; });
}

/// Their squares are no f32 numbers either, so that no error could be told.
TEST_F(BadInput, WeightsThatNoHalfHoldsAreRefused) {
    std::vector<CellSettings> all = {lowRankAlone()};
    for (const CellSettings& settings : oneOfEachFamily()) {
        all.push_back(withoutFactors(settings));
    }
    for (const CellSettings& settings : all) {
        for (const double size : {1e-8, 1e-12, 1e-30}) {
            MatrixProblem problem = randomProblem(48, 32);
            problem.weight *= size;
            EXPECT_EQ(codeOf([&] { test::solve(problem, settings); }), "decompose.range")
                << settings.codecId() << ", " << size;
        }
    }
}

TEST_F(BadInput, RowsThatNoHalfHoldsBecomeZero) {
    for (const CellSettings& settings : oneOfEachFamily()) {
        MatrixProblem problem = randomProblem(231, 32); // rows are not rotated
        problem.weight.narrow(0, 16, 16).mul_(1e-12);
        check(problem, withoutFactors(settings));
        const CompressedCell cell = test::solve(problem, withoutFactors(settings));
        EXPECT_EQ(reconstruct(cell).narrow(0, 16, 16).abs().max().item<float>(), 0);
    }
}

TEST_F(BadInput, ASingleOutlierIsKeptOrRefused) {
    for (size_t first = 0; const double outlier : {1e2, 1e5, 1e30}) {
        everywhereOrRefused(first++, [outlier](MatrixProblem& p) { p.weight[0][0] = outlier; });
    }
}

TEST_F(BadInput, WhatIsNotANumberIsNamed) {
    for (const double bad :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
        for (const MatrixShape shape : kShapes) {
            MatrixProblem problem = randomProblem(shape.rows, shape.columns);
            problem.weight[shape.rows - 1][0] = bad;
            EXPECT_EQ(codeOf([&] { test::solve(problem, {}); }), "decompose.not-finite");
            problem = randomProblem(shape.rows, shape.columns);
            problem.hessian[0][shape.columns - 1] = bad;
            EXPECT_EQ(codeOf([&] { test::solve(problem, {}); }), "decompose.not-finite");
        }
    }
}

/// The tiny model with one of its weights changed.
class SpoiltWeights final : public WeightSource {
public:
    SpoiltWeights(std::shared_ptr<const WeightSource> whole, std::string name, float value)
        : whole_(std::move(whole)), name_(std::move(name)), value_(value) {}
    const std::vector<TensorInfo>& tensors() const override { return whole_->tensors(); }
    const TensorInfo* find(const std::string& name) const override { return whole_->find(name); }
    void readRows(const std::string& name, int64_t first, int64_t count,
                  std::span<float> out) const override {
        whole_->readRows(name, first, count, out);
        if (name == name_ && first == 0) {
            out[0] = value_;
        }
    }

private:
    std::shared_ptr<const WeightSource> whole_;
    std::string name_;
    float value_;
};

class BadModel : public Compress {
protected:
    /// Code and sentence of compressing the model with one number replaced.
    std::pair<std::string, std::string> complaintAbout(const std::string& tensor, float value) {
        auto model = std::make_shared<Model>(*request_.model);
        model->weights = std::make_shared<SpoiltWeights>(model->weights, tensor, value);
        CompressRequest request = request_;
        request.model = model;
        std::pair<std::string, std::string> complaint;
        try {
            compress(request, noProgress(), {});
        } catch (const Error& e) {
            complaint = {e.code(), e.what()};
        }
        EXPECT_FALSE(fs::exists(request.out));
        fs::remove_all(root_);
        return complaint;
    }
};

TEST_F(BadModel, IsToldWithLayerAndInputGroupOrCell) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const auto expect = [&](const std::string& tensor, float value, const std::string& code,
                            const std::string& place) {
        const auto [foundCode, sentence] = complaintAbout(tensor, value);
        EXPECT_EQ(foundCode, code) << tensor;
        EXPECT_THAT(sentence, StartsWith(place)) << tensor;
    };
    expect("model.layers.1.input_layernorm.weight", nan, "decompose.not-finite",
           "model.layers.1.qkv: The Hessian");
    expect("model.layers.0.post_attention_layernorm.weight", INFINITY, "decompose.not-finite",
           "model.layers.0.gate_up: The Hessian");
    expect("model.layers.1.mlp.down_proj.weight", nan, "decompose.not-finite",
           "model.layers.1.mlp.down_proj: The weight");
    expect("model.layers.1.mlp.down_proj.weight", 1e30F, "decompose.range",
           "model.layers.1.mlp.down_proj: ");
}

} // namespace
} // namespace caldera
