#include "core/forward/decode_cell.h"

#include <random>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/base/half.h"
#include "core/codec/codec.h"
#include "kernels/hadamard/hadamard.h"
#include "tests/support/random_codes.h"

using namespace caldera;
using test::randomBytes;
using test::randomSigns;

namespace {

constexpr MatrixShape kShape = {40, 48}; // blocks of 8 and 16
constexpr int64_t kRank = 16;

std::vector<uint16_t> randomScales(size_t count, std::mt19937& random) {
    std::vector<uint16_t> scales(count);
    for (uint16_t& scale : scales) {
        scale = floatToFp16(0.5F + static_cast<float>(random() % 1000) / 1000);
    }
    return scales;
}

CompressedCell randomCell(const std::string& transform) {
    std::mt19937 random(5);
    CompressedCell cell;
    cell.report.settings.transform = transform;
    cell.q = {"e8p-2", kShape, randomBytes(makeCodec("e8p-2")->codeBytes(kShape), random),
              randomScales(3, random)};
    const MatrixShape left = {kShape.rows, kRank};
    const MatrixShape right = {kRank, kShape.columns};
    const auto factors = makeFactorCodec("lloyd-4");
    cell.l = {"lloyd-4", left, randomBytes(factors->codeBytes(left), random),
              randomScales(kRank, random)};
    cell.r = {"lloyd-4", right, randomBytes(factors->codeBytes(right), random),
              randomScales(kRank, random)};
    cell.outSign = randomSigns(kShape.rows, random);
    cell.inSign = randomSigns(kShape.columns, random);
    return cell;
}

/// Element by element, from the definition.
torch::Tensor byHand(const CompressedCell& cell, bool rotated) {
    const int64_t columns = kShape.columns;
    std::vector<float> q(static_cast<size_t>(48 * columns));
    makeCodec("e8p-2")->decodeRows(cell.q.codes, kShape, 0, 48, q);
    std::vector<float> left(static_cast<size_t>(kShape.rows * kRank));
    std::vector<float> right(static_cast<size_t>(kRank * columns));
    const auto factors = makeFactorCodec("lloyd-4");
    factors->decode(cell.l.codes, cell.l.shape, left);
    factors->decode(cell.r.codes, cell.r.shape, right);
    torch::Tensor inner = at::empty({kShape.rows, columns});
    for (int64_t i = 0; i < kShape.rows; ++i) {
        for (int64_t j = 0; j < columns; ++j) {
            double value = fp16ToFloat(cell.q.scale[static_cast<size_t>(i / 16)]) *
                           q[static_cast<size_t>(i * columns + j)];
            for (int64_t k = 0; k < kRank; ++k) {
                const auto index = static_cast<size_t>(k);
                value += left[static_cast<size_t>(i * kRank + k)] *
                         fp16ToFloat(cell.l.scale[index]) * fp16ToFloat(cell.r.scale[index]) *
                         right[static_cast<size_t>(k * columns + j)];
            }
            inner[i][j] = value;
        }
    }
    torch::Tensor weight = inner;
    if (rotated) {
        kernels::blockHadamard(weight.data_ptr<float>(), kShape.rows, columns, 16);
        weight = weight.t().contiguous();
        kernels::blockHadamard(weight.data_ptr<float>(), columns, kShape.rows, 8);
        weight = weight.t().contiguous();
    }
    for (int64_t i = 0; i < kShape.rows; ++i) {
        weight[i].mul_(fp16ToFloat(cell.outSign[static_cast<size_t>(i)]));
    }
    for (int64_t j = 0; j < columns; ++j) {
        weight.select(1, j).mul_(fp16ToFloat(cell.inSign[static_cast<size_t>(j)]));
    }
    return weight;
}

} // namespace

TEST(DecodeCell, EqualsTheDefinitionByHand) {
    for (const char* transform : {"hadamard-128", "none"}) {
        const CompressedCell cell = randomCell(transform);
        const torch::Tensor weight = decodeCell(viewOf(cell));
        const torch::Tensor expected = byHand(cell, std::string(transform) != "none");
        ASSERT_EQ(weight.sizes(), expected.sizes());
        EXPECT_LT((weight - expected).abs().max().item<float>(),
                  1e-5 * expected.abs().max().item<float>())
            << transform;
    }
}

TEST(DecodeCell, WithoutFactorsOnlyQIsLeft) {
    CompressedCell cell = randomCell("none");
    cell.l = {};
    cell.r = {};
    const torch::Tensor weight = decodeCell(viewOf(cell));
    const float first = weight[0][0].item<float>();
    std::vector<float> q(static_cast<size_t>(48 * kShape.columns));
    makeCodec("e8p-2")->decodeRows(cell.q.codes, kShape, 0, 48, q);
    EXPECT_FLOAT_EQ(std::abs(first), std::abs(q[0]) * fp16ToFloat(cell.q.scale[0]));
}

TEST(DecodeCell, ASkippedCellIsItsDenseWeight) {
    const std::vector<uint16_t> dense = {floatToBf16(1.5F),  floatToBf16(-2), 0,
                                         floatToBf16(0.25F), floatToBf16(8),  floatToBf16(-1)};
    ArtifactCell cell;
    cell.q.shape = {2, 3};
    cell.dense = dense;
    EXPECT_TRUE(
        at::equal(decodeCell(cell), at::tensor({1.5F, -2.F, 0.F, 0.25F, 8.F, -1.F}).view({2, 3})));
}
