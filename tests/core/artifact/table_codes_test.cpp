#include "core/artifact/table_codes.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/half.h"
#include "core/plan/packing.h"
#include "tests/support/complaint.h"

namespace caldera {
namespace {

std::vector<float> randomRow(int64_t columns, std::mt19937& random, float deviation) {
    std::normal_distribution<float> normal(0.0F, deviation);
    std::vector<float> values(static_cast<size_t>(columns));
    for (float& value : values) {
        value = normal(random);
    }
    return values;
}

struct FourBitRow {
    explicit FourBitRow(const std::vector<float>& values) {
        const auto columns = static_cast<int64_t>(values.size());
        const TableRow layout = tableRow(4, columns);
        codes.resize(static_cast<size_t>(layout.codeBytes), 0xEE);
        scale.resize(static_cast<size_t>(layout.scales), 0xFFFF);
        encodeFourBit(values, codes.data(), scale.data());
        decoded.resize(values.size());
        decodeTableRow({{1, columns}, 4, std::as_bytes(std::span(codes)), scale}, 0,
                       decoded.data());
    }
    std::vector<uint8_t> codes;
    std::vector<uint16_t> scale;
    std::vector<float> decoded;
};

double squaredError(const std::vector<float>& a, const std::vector<float>& b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
    }
    return sum;
}

TEST(FourBitTable, StaysWithinHalfAStepOfThePeaksScale) {
    std::mt19937 random(21);
    for (const int64_t columns : {1, 63, 64, 65, 130, 576}) {
        for (const float deviation : {1e-3F, 1.0F, 3e4F}) {
            const auto values = randomRow(columns, random, deviation);
            const FourBitRow row(values);
            double allowed = 0; // what the scale |peak| / 7 gives at worst
            for (size_t first = 0; first < values.size(); first += kTableBlock) {
                const size_t end = std::min(first + kTableBlock, values.size());
                float peak = 0;
                for (size_t i = first; i < end; ++i) {
                    peak = std::max(peak, std::abs(values[i]));
                }
                allowed += static_cast<double>(end - first) * std::pow(0.505 * peak / 7, 2);
            }
            EXPECT_LE(squaredError(row.decoded, values), allowed) << columns << " " << deviation;
        }
    }
}

TEST(FourBitTable, HasTheErrorOfAGoodScaleOnNormalValues) {
    std::mt19937 random(22);
    const auto values = randomRow(64 * 4000, random, 1.0F);
    const FourBitRow row(values);
    // Scales of |peak| / 8 alone give 0.0090.
    EXPECT_LT(squaredError(row.decoded, values) / static_cast<double>(values.size()), 0.0083);
}

TEST(FourBitTable, FillsTheLastBlockWithZeros) {
    const std::vector<float> values = {1, -2, 3};
    const FourBitRow row(values);
    ASSERT_EQ(row.codes.size(), 32U);
    EXPECT_EQ(row.codes[1] >> 4, 8);
    for (size_t i = 2; i < 32; ++i) {
        EXPECT_EQ(row.codes[i], 0x88) << i;
    }
}

TEST(FourBitTable, KeepsZerosAndWhatHasAnExactScale) {
    const FourBitRow zeros(std::vector<float>(70, 0.0F));
    EXPECT_EQ(zeros.decoded, std::vector<float>(70, 0.0F));
    std::vector<float> values;
    for (int i = 0; i < 64; ++i) {
        values.push_back(0.25F * static_cast<float>(i % 16 - 8));
    }
    EXPECT_EQ(FourBitRow(values).decoded, values);
    for (float& value : values) {
        value = -value; // +2 is only reached with a negative scale
    }
    EXPECT_EQ(FourBitRow(values).decoded, values);
}

TEST(FourBitTable, StaysFiniteAtBothEndsOfItsScales) {
    for (const float size : {1e-30F, 1e-8F, 3e-7F, kLargestFourBit}) {
        const std::vector<float> values = {size, -size, size / 2};
        const FourBitRow row(values);
        for (size_t i = 0; i < values.size(); ++i) {
            EXPECT_LE(std::abs(row.decoded[i] - values[i]), std::max(0.15F * size, 6e-8F)) << size;
        }
    }
}

TEST(TableRows, AreAcceptedWhenTheyDecodeToTheirValuesAndOnlyThen) {
    std::mt19937 random(23);
    const auto values = randomRow(130, random, 0.05F);
    FourBitRow row(values);
    const ArtifactTable four{{1, 130}, 4, std::as_bytes(std::span(row.codes)), row.scale};
    requireTableRow("t", four, 0, values);
    const auto complaint = [&](const ArtifactTable& table) {
        return complaintOf([&] { requireTableRow("model.embed_tokens.weight", table, 0, values); });
    };
    row.scale[1] ^= 0x8000U; // a block upside down
    EXPECT_EQ(complaint(four).code, "artifact.verify");
    EXPECT_THAT(complaint(four).sentence, testing::HasSubstr("model.embed_tokens.weight"));
    row.scale[1] ^= 0x8000U;
    row.codes[64] ^= 0x80U; // one number of the last block
    EXPECT_EQ(complaint(four).code, "artifact.verify");

    std::vector<int8_t> codes(130);
    const std::vector<uint16_t> scale = {encodeEightBit(values, codes.data())};
    const ArtifactTable eight{{1, 130}, 8, std::as_bytes(std::span(codes)), scale};
    requireTableRow("t", eight, 0, values);
    codes[7] = static_cast<int8_t>(codes[7] + (codes[7] > 0 ? -2 : 2));
    EXPECT_EQ(complaint(eight).code, "artifact.verify");

    std::vector<uint16_t> halves(130);
    std::transform(values.begin(), values.end(), halves.begin(), floatToBf16);
    const ArtifactTable sixteen{{1, 130}, 16, std::as_bytes(std::span(halves)), {}};
    requireTableRow("t", sixteen, 0, values);
    halves[100] += 2;
    EXPECT_EQ(complaint(sixteen).code, "artifact.verify");
}

} // namespace
} // namespace caldera
