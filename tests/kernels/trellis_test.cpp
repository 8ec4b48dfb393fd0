#include "kernels/trellis/trellis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "tests/kernels/random_values.h"

using namespace caldera::kernels;

namespace {

struct Encoded {
    std::vector<uint8_t> codes;
    std::vector<float> values;
};

template <class Encoder>
Encoded encodeWith(Encoder encoder, const TrellisCode& code, const std::vector<float>& x) {
    const auto groups = static_cast<int64_t>(x.size()) / (kTrellisRows * code.columns);
    Encoded result{std::vector<uint8_t>(groups * code.groupBytes()), std::vector<float>(x.size())};
    encoder(code, x.data(), groups, result.codes.data(), result.values.data());
    return result;
}

std::vector<float> normalGroups(const TrellisCode& code, int64_t groups, float scale,
                                uint32_t seed) {
    return randomNormal(groups * kTrellisRows * code.columns, scale, seed);
}

std::vector<uint8_t> randomCodes(int64_t bytes, uint32_t seed) {
    const std::vector<uint16_t> words = randomWords(bytes, seed);
    return {words.begin(), words.end()};
}

double meanSquaredError(const std::vector<float>& x, const std::vector<float>& values) {
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) {
        sum += std::pow(static_cast<double>(x[i]) - values[i], 2);
    }
    return sum / static_cast<double>(x.size());
}

class Trellis : public testing::TestWithParam<TrellisCode> {};

} // namespace

TEST(TrellisCodes, AreFoundById) {
    for (const TrellisCode& code : trellisCodes()) {
        EXPECT_EQ(trellisCode(code.id), &code);
        EXPECT_LE(code.memoryBits, code.newBits);
        EXPECT_EQ(code.table.size(), (size_t{1} << (code.windowBits() - 1)) * code.columns);
        EXPECT_EQ(code.groupBytes() * 8, code.bitsPerWeight() * kTrellisRows * code.columns);
    }
    EXPECT_EQ(trellisCode("trellis-v4k8m5"), nullptr);
}

// The tables are part of the format: another hash is another codec.
TEST(TrellisCodes, HaveTheTablesThatTheFormatStates) {
    const std::vector<std::pair<std::string, uint64_t>> stated = {
        {"trellis-v4k6m6", 0xab2fbbf4fb0bf514U},  {"trellis-v4k8m4", 0x2a6a9f9c1b732572U},
        {"trellis-v4k10m4", 0x1a71a1c5cc27faaeU}, {"trellis-v2k6m6", 0x84543aa0b1a2eb73U},
        {"trellis-v2k8m4", 0x14609401cdd69938U},
    };
    for (const auto& [id, hash] : stated) {
        EXPECT_EQ(trellisTableHash(*trellisCode(id)), hash) << id;
    }
}

TEST(TrellisCodes, DecodeTheCheckValuesOfTheFormat) {
    const TrellisCode& code = *trellisCode("trellis-v4k8m4");
    std::array<uint8_t, 16> bytes;
    for (int row = 0; row < kTrellisRows; ++row) {
        bytes[row] = static_cast<uint8_t>(17 * row);
    }
    std::array<float, 64> values;
    trellisDecode(code, bytes.data(), 1, values.data());
    const std::vector<float> stated = {145, -91, 9, 35, 5, -125, -71, -15};
    for (size_t i = 0; i < stated.size(); ++i) {
        EXPECT_EQ(values[i], stated[i] * code.step / 2);
    }
    EXPECT_EQ(values[60], -7 * code.step / 2);
    EXPECT_EQ(values[63], -5 * code.step / 2);
}

TEST(TrellisCodes, LoseLessWithMoreBits) {
    const std::vector<double> most = {0.145, 0.0765, 0.0390, 0.0200, 0.0057};
    double before = 1;
    for (size_t i = 0; i < most.size(); ++i) {
        const TrellisCode& code = trellisCodes()[i];
        const std::vector<float> x = normalGroups(code, 4000, 1.0F, 71);
        const double error = meanSquaredError(x, encodeWith(trellisEncode, code, x).values);
        EXPECT_LT(error, before);
        EXPECT_LT(error, most[i]) << code.id << ", seed 71";
        before = error;
    }
}

TEST_P(Trellis, DecodesAsTheReference) {
    const TrellisCode& code = GetParam();
    const std::vector<uint8_t> codes = randomCodes(100 * code.groupBytes(), 72);
    std::vector<float> expected(100 * kTrellisRows * code.columns);
    std::vector<float> values(expected.size());
    reference::trellisDecode(code, codes.data(), 100, expected.data());
    trellisDecode(code, codes.data(), 100, values.data());
    EXPECT_EQ(values, expected);
    std::vector<float> rows(expected.size());
    trellisDecodeRows(code, codes.data(), 100, rows.data());
    for (int64_t i = 0; i < static_cast<int64_t>(rows.size()); ++i) {
        const int64_t block = i / code.columns % 100;
        const int64_t row = i / code.columns / 100;
        ASSERT_EQ(rows[i],
                  expected[(block * kTrellisRows + row) * code.columns + i % code.columns]);
    }
}

TEST_P(Trellis, EncodesAsTheReference) {
    const TrellisCode& code = GetParam();
    for (const float scale : {0.1F, 1.0F, 20.0F}) {
        const std::vector<float> x = normalGroups(code, 12, scale, 73);
        const Encoded expected = encodeWith(reference::trellisEncode, code, x);
        const Encoded encoded = encodeWith(trellisEncode, code, x);
        EXPECT_EQ(encoded.codes, expected.codes) << "seed 73, scale " << scale;
        EXPECT_EQ(encoded.values, expected.values);
    }
}

// Coarse grids make equally good paths common: the rule for ties is tested by them.
TEST_P(Trellis, BreaksTiesAsTheReference) {
    const TrellisCode& code = GetParam();
    std::vector<float> x = normalGroups(code, 20, 1.0F, 74);
    for (float& value : x) {
        value = std::round(value);
    }
    std::fill_n(x.begin(), x.size() / 4, 0.0F);
    EXPECT_EQ(encodeWith(trellisEncode, code, x).codes,
              encodeWith(reference::trellisEncode, code, x).codes);
}

TEST_P(Trellis, TreatsValuesOutOfRangeAsTheReference) {
    const TrellisCode& code = GetParam();
    std::vector<float> x = normalGroups(code, 2, 1.0F, 75);
    const float infinity = std::numeric_limits<float>::infinity();
    x[3] = infinity;
    x[4] = -infinity;
    x[9] = std::numeric_limits<float>::quiet_NaN();
    x[17] = 1e30F;
    std::fill(x.begin() + 16 * code.columns, x.end(), -1e30F); // the largest costs there are
    EXPECT_EQ(encodeWith(trellisEncode, code, x).codes,
              encodeWith(reference::trellisEncode, code, x).codes);
}

TEST_P(Trellis, DecodesWhatEncodingPromised) {
    const TrellisCode& code = GetParam();
    const std::vector<float> x = normalGroups(code, 50, 1.0F, 76);
    const Encoded encoded = encodeWith(trellisEncode, code, x);
    std::vector<float> values(x.size());
    reference::trellisDecode(code, encoded.codes.data(), 50, values.data());
    EXPECT_EQ(values, encoded.values);
}

// The boundary state is a guess. A search of all of them tells what it costs.
TEST_P(Trellis, GuessesABoundaryThatCostsLittle) {
    const TrellisCode& code = GetParam();
    const std::vector<float> x = normalGroups(code, 24, 1.0F, 78);
    const double least =
        meanSquaredError(x, encodeWith(reference::trellisEncodeExhaustively, code, x).values);
    const double found = meanSquaredError(x, encodeWith(trellisEncode, code, x).values);
    EXPECT_LE(least, found);
    EXPECT_LT(found, 1.05 * least) << "seed 78"; // 2 % with 64 states, 0.1 % with 16
}

// Any bits are a valid code, the first row's window reaching around to the last row; what they
// decode to is encoded without error.
TEST_P(Trellis, ReencodesAnyCodeToItsOwnValues) {
    const TrellisCode& code = GetParam();
    const std::vector<uint8_t> codes = randomCodes(500 * code.groupBytes(), 77);
    std::vector<float> values(500 * kTrellisRows * code.columns);
    trellisDecode(code, codes.data(), 500, values.data());
    EXPECT_EQ(encodeWith(trellisEncode, code, values).values, values) << "seed 77";
}

TEST_P(Trellis, MultipliesAsTheReference) {
    const TrellisCode& code = GetParam();
    for (const int64_t blocks : {1, 37, 150}) {
        const int64_t columns = blocks * code.columns;
        const std::vector<uint8_t> codes = randomCodes(3 * blocks * code.groupBytes(), 78);
        const std::vector<float> scale = randomNormal(3, 0.1F, 79);
        const std::vector<float> x = randomNormal(7 * (columns + 3), 1.0F, 80);
        const TrellisMatrix q = {&code, codes.data(), scale.data(), 3, blocks};
        std::vector<float> expected(7 * 50, 1.0F);
        std::vector<float> batched(expected);
        std::vector<float> single(expected);
        for (int64_t i = 0; i < 7; ++i) {
            reference::trellisGemv(q, &x[i * (columns + 3)], &expected[i * 50], {1, 2});
            const InputBatch one = {&x[i * (columns + 3)], 0, &single[i * 50], 0, 1};
            trellisGemm(q, one, {1, 1});
            trellisGemm(q, one, {2, 1});
        }
        trellisGemm(q, {x.data(), columns + 3, batched.data(), 50, 7}, {1, 2});
        for (size_t i = 0; i < expected.size(); ++i) {
            ASSERT_NEAR(single[i], expected[i], 5e-5F * static_cast<float>(columns)) << i;
            ASSERT_NEAR(batched[i], expected[i], 5e-5F * static_cast<float>(columns)) << i;
        }
    }
}

// Shapes that are not shipped, as the trainer compares them.
TEST(TrellisShapes, WithMoreMemoryEncodeAsTheReference) {
    for (const auto& [columns, newBits, memoryBits] :
         {std::array{4, 8, 5}, {4, 8, 6}, {2, 8, 6}, {4, 10, 5}}) {
        TrellisCode code{"random", columns, newBits, memoryBits, 3.5F / 128, 1.0F, {}};
        std::vector<int8_t> table;
        for (const float value :
             randomNormal((int64_t{1} << (code.windowBits() - 1)) * columns, 40, 79)) {
            table.push_back(static_cast<int8_t>(std::clamp(value, -128.0F, 127.0F)));
        }
        code.table = table;
        const std::vector<float> x = normalGroups(code, 4, 1.0F, 80);
        EXPECT_EQ(encodeWith(trellisEncode, code, x).codes,
                  encodeWith(reference::trellisEncode, code, x).codes)
            << columns << " " << newBits << " " << memoryBits;
    }
    TrellisCode narrow{"narrow", 4, 8, 2, 1, 1, {}};
    EXPECT_THROW(encodeWith(trellisEncode, narrow, normalGroups(narrow, 1, 1, 81)),
                 std::invalid_argument);
}

TEST_P(Trellis, MultipliesIntegersAsTheReference) {
    const TrellisCode& code = GetParam();
    const std::vector<uint32_t> table = trellisByteTable(code);
    for (const int64_t blocks : {1, 3, 32, 37, 100}) {
        const std::vector<uint8_t> codes = randomCodes(2 * blocks * code.groupBytes(), 91);
        const std::vector<float> scale = {0.1F, -0.2F};
        const TrellisMatrix q = {&code, codes.data(), scale.data(), 2, blocks};
        for (const int64_t count : {1, 3, 9, 70}) {
            for (const int bits : {8, 16}) {
                SCOPED_TRACE(testing::Message() << blocks << " x " << count << ", " << bits);
                const QuantizedInputs x = randomIntegers(count, blocks * code.columns, bits, 92);
                std::vector<float> y(count * 35, 0.5F);
                std::vector<float> expected = y;
                trellisIntegerProduct(q, table.data(), x.view(), {y.data(), 35}, {0, 1});
                trellisIntegerProduct(q, table.data(), x.view(), {y.data(), 35}, {1, 1});
                reference::trellisIntegerProduct(q, x.view(), {expected.data(), 35}, {0, 2});
                for (size_t i = 0; i < y.size(); ++i) {
                    ASSERT_NEAR(y[i], expected[i], 2e-5F) << i;
                }
            }
        }
    }
}

TEST_P(Trellis, MultipliesEachVectorAsIfItWereAlone) {
    const TrellisCode& code = GetParam();
    const std::vector<uint32_t> table = trellisByteTable(code);
    const std::vector<uint8_t> codes = randomCodes(75 * code.groupBytes(), 93);
    const float scale = 0.3F;
    const TrellisMatrix q = {&code, codes.data(), &scale, 1, 75};
    const QuantizedInputs x = randomIntegers(13, 75 * code.columns, 16, 94);
    std::vector<float> together(13 * 16);
    std::vector<float> alone(13 * 16);
    trellisIntegerProduct(q, table.data(), x.view(), {together.data(), 16}, {0, 1});
    for (int64_t t = 0; t < 13; ++t) {
        QuantizedBatch one = x.view().from(t);
        one.count = 1;
        trellisIntegerProduct(q, table.data(), one, {alone.data() + 16 * t, 16}, {0, 1});
    }
    EXPECT_EQ(together, alone);
}

INSTANTIATE_TEST_SUITE_P(Codes, Trellis,
                         testing::ValuesIn(trellisCodes().begin(), trellisCodes().end()),
                         [](const auto& code) { return std::string(code.param.id).substr(8); });
