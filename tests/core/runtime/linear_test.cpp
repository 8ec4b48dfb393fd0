#include "core/runtime/linear.h"

#include <array>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/half.h"
#include "core/codec/codec.h"
#include "core/codec/transform.h"
#include "tests/support/packed_cell.h"

namespace caldera {
namespace {

using test::PackedCell;
using test::randomVector;

struct Case {
    std::string name;
    MatrixShape shape;
    int rank;
    std::string transform;
    int64_t tokens;
    bool hasBias;
    std::string codec = "e8p-2";
    std::string factorCodec = "lloyd-4";
};

class GroupLinearTest : public testing::TestWithParam<Case> {};

TEST_P(GroupLinearTest, EqualsTheDenseMatrix) {
    const Case& c = GetParam();
    std::mt19937 random(3);
    const PackedCell packed(c.shape, c.rank, c.transform, random, c.codec, c.factorCodec);
    ArtifactCell cell = packed.view({0, Module::OProj});
    if (c.hasBias) {
        cell.bias = randomVector(c.shape.rows, random);
    }
    const std::vector<float> x = randomVector(c.tokens * c.shape.columns, random);
    const std::vector<float> weight = packed.dense();
    // Where products are of whole numbers, inputs and factors are rounded to 16 bits.
    const double allowed = makeCodec(c.codec)->takesIntegers() ? 6e-4 : 2e-4;

    for (const int threads : {1, 3}) {
        ThreadPool pool(threads);
        LinearWorkspace workspace;
        workspace.activationBits = 16;
        const GroupLinear group({cell});
        std::vector<float> y(static_cast<size_t>(c.tokens * c.shape.rows));
        const std::array outputs = {y.data()};
        group.apply(pool, workspace, x.data(), c.tokens, outputs);
        for (int64_t t = 0; t < c.tokens; ++t) {
            for (int64_t row = 0; row < c.shape.rows; ++row) {
                double expected = c.hasBias ? cell.bias[static_cast<size_t>(row)] : 0;
                for (int64_t column = 0; column < c.shape.columns; ++column) {
                    expected += static_cast<double>(
                                    weight[static_cast<size_t>(row * c.shape.columns + column)]) *
                                x[static_cast<size_t>(t * c.shape.columns + column)];
                }
                ASSERT_NEAR(y[static_cast<size_t>(t * c.shape.rows + row)], expected,
                            allowed * (1 + std::abs(expected)))
                    << "token " << t << ", row " << row;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, GroupLinearTest,
    testing::Values(
        Case{"square", {64, 64}, 16, "hadamard-128", 1, false},
        Case{"withBias", {128, 96}, 32, "hadamard-128", 1, true},
        Case{"noRank", {64, 128}, 0, "hadamard-128", 1, false},
        Case{"noTransform", {48, 40}, 16, "none", 1, false},
        Case{"batch", {192, 64}, 16, "hadamard-128", 7, true},
        Case{"paddedRowsAndColumns", {20, 36}, 16, "hadamard-128", 1, true},
        Case{"paddedBatch", {20, 36}, 16, "hadamard-128", 5, false},
        Case{"oddColumns", {33, 13}, 16, "hadamard-128", 3, false},
        Case{"trellis", {192, 64}, 16, "hadamard-128", 1, true, "trellis-v4k8m4"},
        Case{"trellisBatch", {33, 13}, 0, "none", 6, false, "trellis-v4k6m6"},
        Case{"trellisTwoColumns", {20, 13}, 0, "none", 1, false, "trellis-v2k6m6"},
        Case{"trellisFactors",
             {192, 64},
             32,
             "hadamard-128",
             1,
             true,
             "trellis-v4k8m4",
             "trellis-v2k8m4"},
        Case{"trellisFactorsPadded", {33, 13}, 16, "none", 5, false, "e8p-2", "trellis-v4k8m4"},
        Case{"residualLattice", {33, 13}, 16, "hadamard-128", 2, true, "e8p-3"},
        Case{"lowRankAlone", {33, 13}, 16, "hadamard-128", 3, true, "none-0"},
        Case{"normalFloat", {33, 13}, 16, "none", 3, false, "nf-3g64"},
        Case{"scalarGroups", {20, 70}, 16, "hadamard-128", 1, true, "scalar-8g64"},
        Case{"halves", {33, 13}, 16, "none", 2, false, "none-16"},
        Case{"twoWords", {20, 36}, 0, "none", 1, false, "e8p-4"}),
    [](const auto& test) { return test.param.name; });

/// Relative to the size of y, since each value sums what rounding does to all inputs.
double relativeError(const PackedCell& packed, MatrixShape shape, int activationBits) {
    std::mt19937 random(6);
    const std::vector<float> x = randomVector(3 * shape.columns, random);
    const std::vector<float> weight = packed.dense();
    ThreadPool pool(2);
    LinearWorkspace workspace;
    workspace.activationBits = activationBits;
    const GroupLinear group({packed.view({0, Module::OProj})});
    std::vector<float> y(static_cast<size_t>(3 * shape.rows));
    const std::array outputs = {y.data()};
    group.apply(pool, workspace, x.data(), 3, outputs);
    double error = 0;
    double size = 0;
    for (int64_t i = 0; i < 3 * shape.rows; ++i) {
        double expected = 0;
        for (int64_t c = 0; c < shape.columns; ++c) {
            expected += static_cast<double>(
                            weight[static_cast<size_t>(i % shape.rows * shape.columns + c)]) *
                        x[static_cast<size_t>(i / shape.rows * shape.columns + c)];
        }
        error += std::pow(y[static_cast<size_t>(i)] - expected, 2);
        size += expected * expected;
    }
    return std::sqrt(error / size);
}

TEST(GroupLinear, RoundsInputsToTheBitsOfItsWorkspace) {
    std::mt19937 random(7);
    constexpr MatrixShape kShape{192, 320};
    const PackedCell packed(kShape, 48, "hadamard-128", random, "trellis-v4k8m4");
    EXPECT_LT(relativeError(packed, kShape, 16), 1e-4);
    const double coarse = relativeError(packed, kShape, 8);
    EXPECT_LT(coarse, 0.012);
    EXPECT_GT(coarse, 1e-3);
}

TEST(GroupLinear, MixesSkippedAndCompressedMembers) {
    std::mt19937 random(4);
    const PackedCell packed({32, 48}, 16, "hadamard-128", random);
    std::vector<uint16_t> dense;
    for (const float value : randomVector(int64_t{24} * 48, random)) {
        dense.push_back(floatToBf16(value));
    }
    ArtifactCell skipped;
    skipped.cell = {0, Module::GateProj};
    skipped.q.shape = {24, 48};
    skipped.dense = dense;
    const std::vector<float> x = randomVector(2 * 48, random);
    ThreadPool pool(2);
    LinearWorkspace workspace;
    workspace.activationBits = 16;
    const GroupLinear group({skipped, packed.view({0, Module::UpProj})});
    std::vector<float> gate(2 * 24);
    std::vector<float> up(2 * 32);
    const std::array outputs = {gate.data(), up.data()};
    group.apply(pool, workspace, x.data(), 2, outputs);

    const std::vector<float> weight = packed.dense();
    for (size_t t = 0; t < 2; ++t) {
        double gateSum = 0;
        double upSum = 0;
        for (size_t c = 0; c < 48; ++c) {
            gateSum += static_cast<double>(bf16ToFloat(dense[23 * 48 + c])) * x[t * 48 + c];
            upSum += static_cast<double>(weight[31 * 48 + c]) * x[t * 48 + c];
        }
        EXPECT_NEAR(gate[t * 24 + 23], gateSum, 1e-4);
        EXPECT_NEAR(up[t * 32 + 31], upSum, 1e-3);
    }
}

TEST(GroupLinear, RefusesACodecItDoesNotKnow) {
    std::mt19937 random(5);
    const PackedCell packed({32, 32}, 0, "none", random);
    ArtifactCell cell = packed.view({2, Module::OProj});
    cell.q.codec = "e8p-7";
    try {
        const GroupLinear group({cell});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "engine.codec");
        EXPECT_NE(std::string(error.what()).find("model.layers.2.self_attn.o_proj"),
                  std::string::npos);
    }
}

} // namespace
} // namespace caldera
