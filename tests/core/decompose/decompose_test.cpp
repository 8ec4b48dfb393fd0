#include "core/decompose/decompose.h"

#include <cmath>
#include <map>
#include <numeric>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/codec/codec.h"
#include "core/linalg/numerics.h"
#include "tests/support/code_of.h"
#include "tests/support/matrix_problem.h"

namespace caldera {
namespace {

using test::codeOf;
using test::MatrixProblem;
using test::randomHessian;
using test::randomMatrix;
using test::relativeError;
using test::solve;

/// Weights near rank 16, so that factors are worth their bytes.
torch::Tensor randomWeight(int64_t rows, int64_t columns, uint64_t seed) {
    return (randomMatrix(rows, columns, seed) * 0.5 +
            at::mm(randomMatrix(rows, 16, seed + 1), randomMatrix(16, columns, seed + 2)) / 4) *
           0.02;
}

CellSettings settingsOf(int rank, int outer = 2) {
    CellSettings settings;
    settings.rank = rank;
    settings.outerIterations = outer;
    settings.innerIterations = 2;
    return settings;
}

MatrixProblem makeProblem(int64_t rows, int64_t columns, uint64_t seed = 1) {
    return {randomWeight(rows, columns, seed), randomHessian(columns, seed + 10)};
}

class Decompose : public testing::Test {
protected:
    void SetUp() override { fixNumerics(1); }
};

TEST_F(Decompose, ReportsTheErrorOfThePackedBytes) {
    const MatrixProblem problem = makeProblem(96, 128);
    for (const int rank : {0, 16}) {
        const CompressedCell cell = solve(problem, settingsOf(rank));
        EXPECT_NEAR(cell.report.relativeError, relativeError(problem, cell), 1e-4);
        EXPECT_NEAR(cell.report.proxyError, std::pow(cell.report.relativeError, 2), 1e-9);
        EXPECT_NEAR(cell.report.history.back().relativeError, cell.report.relativeError, 2e-3);
        EXPECT_LT(cell.report.relativeError, 0.3);
    }
}

TEST_F(Decompose, FactorsLowerTheErrorOfAMatrixNearLowRank) {
    const MatrixProblem problem = makeProblem(128, 128);
    EXPECT_LT(solve(problem, settingsOf(16)).report.relativeError,
              0.85 * solve(problem, settingsOf(0)).report.relativeError);
}

TEST_F(Decompose, SixteenBitFactorsAreAtLeastAsGood) {
    const MatrixProblem problem = makeProblem(128, 128);
    CellSettings settings = settingsOf(16);
    const double fourBits = solve(problem, settings).report.relativeError;
    settings.factorCodec = "none";
    settings.leftBits = 16;
    settings.rightBits = 16;
    EXPECT_LT(solve(problem, settings).report.relativeError, fourBits);
}

TEST_F(Decompose, FactorsInATrellisAreWhatThePackedBytesSay) {
    for (const auto& [rows, columns] :
         {std::pair<int64_t, int64_t>{128, 128}, {70, 41}, {33, 21}}) {
        const MatrixProblem problem = makeProblem(rows, columns);
        CellSettings settings = settingsOf(16);
        const double byLevels = solve(problem, settings).report.relativeError;
        settings.factorCodec = "trellis";
        const CompressedCell cell = solve(problem, settings);
        EXPECT_EQ(cell.l.codec, "trellis-v2k8m4");
        EXPECT_EQ(cell.r.shape, (MatrixShape{16, columns}));
        EXPECT_EQ(cell.report.bytes, cellBytes(settings, {rows, columns}));
        EXPECT_NEAR(cell.report.relativeError, relativeError(problem, cell), 1e-4);
        EXPECT_NEAR(cell.report.history.back().relativeError, cell.report.relativeError, 2e-3);
        EXPECT_LT(cell.report.relativeError, byLevels * 1.02);
        EXPECT_EQ(solve(problem, settings).l, cell.l);
        settings.leftBits = settings.rightBits = 1.5;
        EXPECT_GT(solve(problem, settings).report.relativeError, cell.report.relativeError);
    }
}

TEST_F(Decompose, FurtherRoundsNeverHurt) {
    const MatrixProblem problem = makeProblem(64, 128);
    const double one = solve(problem, settingsOf(16, 1)).report.relativeError;
    EXPECT_LE(solve(problem, settingsOf(16, 4)).report.relativeError, one + 1e-6);
}

TEST_F(Decompose, EveryOrderAndDowndateEndsOnAQStep) {
    const MatrixProblem problem = makeProblem(64, 64);
    for (const char* order : {"LR,Q", "Q,LR"}) {
        for (const bool downdate : {false, true}) {
            CellSettings settings = settingsOf(16);
            settings.updateOrder = order;
            settings.hessianDowndate = downdate;
            const CompressedCell cell = solve(problem, settings);
            EXPECT_EQ(cell.report.history.back().step, "Q");
            EXPECT_LT(cell.report.relativeError, 0.35) << order << downdate;
        }
    }
}

TEST_F(Decompose, ADowndateIsFollowedBySweepsInTheTrueMetric) {
    const MatrixProblem problem = makeProblem(96, 128);
    CellSettings settings = settingsOf(16, 1);
    const double without = solve(problem, settings).report.relativeError;
    settings.hessianDowndate = true;
    EXPECT_LT(solve(problem, settings).report.relativeError, 1.25 * without);
    settings.activationAware = "LR"; // Q does not see the Hessian, downdated or not
    const CompressedCell blind = solve(problem, settings);
    settings.hessianDowndate = false;
    EXPECT_EQ(blind.q, solve(problem, settings).q);
}

TEST_F(Decompose, EveryStartOfLowRankBeatsDoingWithout) {
    const MatrixProblem problem = makeProblem(128, 128);
    const double without = solve(problem, settingsOf(0)).report.relativeError;
    for (const char* start : {"balanced", "hessian", "plain", "outliers"}) {
        CellSettings settings = settingsOf(16);
        settings.lowRankStart = start;
        EXPECT_LT(solve(problem, settings).report.relativeError, 0.9 * without) << start;
    }
}

TEST_F(Decompose, TheOutlierStartFitsTheChannelsOfMostEnergy) {
    MatrixProblem problem{randomMatrix(96, 128, 1), at::eye(128, at::kFloat)};
    const std::vector<int64_t> loud = {5, 40, 77, 120};
    for (const int64_t channel : loud) {
        problem.hessian[channel][channel] = 1e4;
    }
    CellSettings settings = settingsOf(16, 1);
    settings.leftBits = settings.rightBits = 16;
    settings.factorCodec = "none";
    const auto afterLowRank = [&](const char* start) {
        settings.lowRankStart = start;
        return solve(problem, settings).report.history.front().relativeError;
    };
    EXPECT_LT(afterLowRank("outliers"), 0.12);
    EXPECT_GT(afterLowRank("plain"), 0.5);
}

TEST_F(Decompose, LowRankAloneHasNoCodesAndNoQStep) {
    const MatrixProblem problem = makeProblem(96, 64);
    CellSettings settings = settingsOf(16);
    settings.codec = "none";
    settings.bits = 0;
    const CompressedCell cell = solve(problem, settings);
    EXPECT_TRUE(cell.q.codes.empty());
    for (const HistoryEntry& entry : cell.report.history) {
        EXPECT_EQ(entry.step, "LR");
    }
    EXPECT_NEAR(cell.report.relativeError, relativeError(problem, cell), 1e-4);
    EXPECT_LT(cell.report.relativeError, 0.75); // rank 16 holds most of this matrix
    settings.rank = 0;
    EXPECT_EQ(codeOf([&] { solve(problem, settings); }), "decompose.nothing-left");
}

TEST_F(Decompose, StepsThatDoNotSeeTheHessianLoseInItsMetric) {
    const MatrixProblem problem = makeProblem(96, 128);
    std::map<std::string, double> error;
    for (const char* aware : {"Q,LR", "Q", "LR", "none"}) {
        CellSettings settings = settingsOf(16);
        settings.activationAware = aware;
        error[aware] = solve(problem, settings).report.relativeError;
    }
    EXPECT_LT(error["Q,LR"], error["LR"] * 0.95);
    EXPECT_LT(error["Q"], error["none"] * 0.95);
}

TEST_F(Decompose, UnknownChoicesAreNamed) {
    const MatrixProblem problem = makeProblem(32, 32);
    const auto refused = [&](auto member) {
        CellSettings settings = settingsOf(16);
        settings.*member = "sideways";
        return codeOf([&] { solve(problem, settings); });
    };
    EXPECT_EQ(refused(&CellSettings::updateOrder), "decompose.choice");
    EXPECT_EQ(refused(&CellSettings::lowRankStart), "decompose.choice");
    EXPECT_EQ(refused(&CellSettings::activationAware), "decompose.choice");
}

TEST_F(Decompose, SameSeedGivesSameBytes) {
    const MatrixProblem problem = makeProblem(64, 96);
    const CompressedCell first = solve(problem, settingsOf(16));
    const CompressedCell second = solve(problem, settingsOf(16));
    EXPECT_EQ(first.q, second.q);
    EXPECT_EQ(first.l, second.l);
    EXPECT_EQ(first.r, second.r);
    EXPECT_EQ(first.outSign, second.outSign);
    EXPECT_NE(first.inSign, solve(problem, settingsOf(16), 8).inSign);
}

TEST_F(Decompose, OddSizesWork) {
    for (const auto& [rows, columns] :
         {std::pair<int64_t, int64_t>{33, 21}, {9, 231}, {576, 33}, {1, 3}, {17, 8}}) {
        const MatrixProblem problem = makeProblem(rows, columns);
        const int rank = std::min(rows, columns) >= 16 ? 16 : 0;
        const CompressedCell cell = solve(problem, settingsOf(rank));
        EXPECT_EQ(cell.q.shape, (MatrixShape{rows, columns}));
        EXPECT_EQ(cell.q.codes.size(),
                  static_cast<size_t>(makeCodec(cell.q.codec)->codeBytes({rows, columns})));
        EXPECT_NEAR(cell.report.relativeError, relativeError(problem, cell), 1e-3);
        // Three weights that must share a codeword with padding are far from their best.
        EXPECT_LT(cell.report.relativeError, rows == 1 ? 1.0 : 0.6) << rows << " x " << columns;
    }
}

TEST_F(Decompose, TheTrellisKeepsItsCodesAndLosesLessWithMoreBits) {
    const MatrixProblem problem = makeProblem(40, 70);
    CellSettings settings = settingsOf(16);
    settings.codec = "e8p";
    double before = solve(problem, settings).report.relativeError * 1.4; // at 2 bits
    settings.codec = "trellis";
    for (const double bits : {1.5, 2.0, 2.5, 3.0, 4.0}) {
        settings.bits = bits;
        const CompressedCell cell = solve(problem, settings);
        EXPECT_EQ(cell.q.codec, settings.codecId());
        EXPECT_EQ(static_cast<int64_t>(cell.q.codes.size()),
                  makeCodec(cell.q.codec)->codeBytes(cell.q.shape));
        EXPECT_NEAR(cell.report.relativeError, relativeError(problem, cell), 1e-4);
        EXPECT_NEAR(cell.report.history.back().relativeError, cell.report.relativeError, 2e-3);
        EXPECT_LT(cell.report.relativeError, before) << bits << " bits";
        before = cell.report.relativeError;
    }
}

TEST_F(Decompose, TallAndWideMatricesFillTheReport) {
    for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{320, 64}, {64, 320}}) {
        const MatrixProblem problem = makeProblem(rows, columns);
        const CellReport report = solve(problem, settingsOf(16)).report;
        EXPECT_EQ(report.rowError.size(), static_cast<size_t>(rows));
        EXPECT_EQ(report.columnError.size(), static_cast<size_t>(columns));
        EXPECT_EQ(report.hessianDiagonal.size(), static_cast<size_t>(columns));
        EXPECT_EQ(report.singularValues.size(), 64U);
        EXPECT_EQ(report.hessianSingularValues.size(), 64U);
        EXPECT_EQ(report.residualSingularValues.size(), 64U);
        EXPECT_GE(report.singularValues[0], report.singularValues[63]);
        EXPECT_LT(report.residualSingularValues[0], report.singularValues[0]);
        double squares = 0;
        for (const float row : report.rowError) {
            squares += row * row;
        }
        EXPECT_NEAR(squares / static_cast<double>(rows), report.proxyError,
                    1e-3 * report.proxyError);
        EXPECT_NEAR(
            std::accumulate(report.hessianDiagonal.begin(), report.hessianDiagonal.end(), 0.0) /
                static_cast<double>(columns),
            1, 1e-3);
        EXPECT_EQ(report.bytes * 8.0 / static_cast<double>(rows * columns), report.bitsPerWeight);
    }
}

TEST_F(Decompose, WithoutAHessianPlainErrorIsWhatCounts) {
    MatrixProblem problem = makeProblem(64, 64);
    const CompressedCell cell = [&] {
        const GroupBasis basis = makeGroupBasis({}, 64, settingsOf(0), 1);
        return decompose({{0, Module::QProj}, problem.weight, settingsOf(0), 2, {}}, basis);
    }();
    problem.hessian = at::eye(64, at::kFloat);
    EXPECT_NEAR(cell.report.relativeError, relativeError(problem, cell), 1e-5);
    EXPECT_NEAR(cell.report.relativeError, 0.3, 0.03); // the codec's own 0.0912, square root
}

TEST_F(Decompose, WithoutATransformSignsAreOne) {
    const MatrixProblem problem = makeProblem(32, 32);
    CellSettings settings = settingsOf(16);
    settings.transform = "none";
    const CompressedCell cell = solve(problem, settings);
    constexpr uint16_t kOne = 0x3C00;
    EXPECT_EQ(cell.outSign, std::vector<uint16_t>(32, kOne));
    EXPECT_EQ(cell.inSign, std::vector<uint16_t>(32, kOne));
    EXPECT_NEAR(cell.report.relativeError, relativeError(problem, cell), 1e-4);
}

TEST_F(Decompose, ZeroWeightsStayZero) {
    MatrixProblem problem = makeProblem(32, 32);
    problem.weight.zero_();
    CellSettings settings = settingsOf(16);
    for (const char* factorCodec : {"lloyd", "trellis"}) {
        settings.factorCodec = factorCodec;
        const CompressedCell cell = solve(problem, settings);
        EXPECT_EQ(reconstruct(cell).abs().max().item<float>(), 0);
        EXPECT_EQ(cell.report.relativeError, 0);
    }
}

TEST_F(Decompose, DeadChannelsAndRowsDoNoHarm) {
    MatrixProblem problem = makeProblem(64, 64);
    problem.weight.narrow(0, 0, 20).zero_();
    problem.hessian.narrow(0, 5, 9).zero_();
    problem.hessian.narrow(1, 5, 9).zero_();
    const CompressedCell cell = solve(problem, settingsOf(16));
    EXPECT_LT(cell.report.relativeError, 0.35);
    problem.hessian.zero_();
    EXPECT_LT(solve(problem, settingsOf(0)).report.relativeError, 0.35);
}

TEST_F(Decompose, RefusesWhatIsNotFinite) {
    MatrixProblem problem = makeProblem(32, 32);
    problem.weight[1][2] = std::nanf("");
    EXPECT_EQ(codeOf([&] { solve(problem, settingsOf(0)); }), "decompose.not-finite");
    problem = makeProblem(32, 32);
    problem.hessian[1][2] = INFINITY;
    EXPECT_EQ(codeOf([&] { solve(problem, settingsOf(0)); }), "decompose.not-finite");
}

TEST_F(Decompose, RefusesWrongShapesAndRanks) {
    MatrixProblem problem = makeProblem(32, 48);
    for (const int rank : {17, 48, -16}) {
        EXPECT_EQ(codeOf([&] { solve(problem, settingsOf(rank)); }), "decompose.rank") << rank;
    }
    problem.hessian = randomHessian(32, 1);
    EXPECT_EQ(codeOf([&] { solve(problem, settingsOf(0)); }), "decompose.hessian-shape");
    problem.hessian = randomMatrix(48, 48, 1);
    EXPECT_EQ(codeOf([&] { solve(problem, settingsOf(0)); }), "decompose.hessian");
    problem.hessian = at::eye(48, at::kFloat) * -1;
    EXPECT_EQ(codeOf([&] { solve(problem, settingsOf(0)); }), "decompose.hessian");
    const GroupBasis basis = makeGroupBasis({}, 32, settingsOf(0), 1);
    EXPECT_EQ(codeOf([&] {
                  decompose({{0, Module::QProj}, problem.weight, settingsOf(0), 0, {}}, basis);
              }),
              "decompose.shape");
}

TEST_F(Decompose, RefusesWeightsThatNoHalfScaleHolds) {
    MatrixProblem problem = makeProblem(32, 32);
    problem.weight *= 1e9;
    EXPECT_EQ(codeOf([&] { solve(problem, settingsOf(0)); }), "decompose.range");
    problem.weight *= 1e-20;
    EXPECT_EQ(codeOf([&] { solve(problem, settingsOf(0)); }), "decompose.range");
}

TEST_F(Decompose, StopsWhenAsked) {
    const MatrixProblem problem = makeProblem(64, 64);
    std::stop_source source;
    source.request_stop();
    const GroupBasis basis = makeGroupBasis(problem.hessian, 64, settingsOf(0), 1);
    EXPECT_THROW(
        decompose({{0, Module::QProj}, problem.weight, settingsOf(0), 0, source.get_token()},
                  basis),
        Cancelled);
}

} // namespace
} // namespace caldera
