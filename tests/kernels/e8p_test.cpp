#include "kernels/e8p/e8p.h"

#include <array>
#include <cmath>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/e8p/codebook.h"
#include "kernels/e8p/tables.h"
#include "tests/kernels/random_values.h"

using namespace caldera::kernels;

namespace {

struct Encoded {
    std::vector<uint16_t> codes;
    std::vector<float> values;
};

template <class Function>
Encoded encodeWith(Function encode, const std::vector<float>& x) {
    Encoded result{std::vector<uint16_t>(x.size() / 8), std::vector<float>(x.size())};
    encode(x.data(), static_cast<int64_t>(result.codes.size()), result.codes.data(),
           result.values.data());
    return result;
}

std::vector<float> allDecoded() {
    std::vector<uint16_t> codes(65536);
    for (size_t i = 0; i < codes.size(); ++i) {
        codes[i] = static_cast<uint16_t>(i);
    }
    std::vector<float> values(codes.size() * 8);
    reference::e8pDecode(codes.data(), 65536, values.data());
    return values;
}

} // namespace

TEST(E8pCodebook, MatchesThePublishedTable) {
    const E8pCodebook& book = E8pCodebook::instance();
    EXPECT_EQ(book.packedWord(0), 0x99999999U);
    EXPECT_EQ(book.packedWord(1), 0x59999999U);
    EXPECT_EQ(book.packedWord(2), 0xd9999999U);
    EXPECT_EQ(book.packedWord(226), 0x799b999dU);
    EXPECT_EQ(book.packedWord(227), 0x5b99bb9bU);
    EXPECT_EQ(book.packedWord(255), 0x7b9bbb9bU);
    EXPECT_EQ(book.tableHash(), 0xbede9441U);
    int odd = 0;
    for (int i = 0; i < 256; ++i) {
        odd += book.hasOddSum(i) ? 1 : 0;
        EXPECT_EQ(book.find(book.magnitudes(i)), i);
    }
    EXPECT_EQ(odd, 149);
    EXPECT_EQ(book.find({5, 5, 5, 1, 1, 1, 1, 1}), -1);
}

TEST(E8pNumbers, GiveWhatTheReferenceDecodes) {
    const auto numbers = e8pNumbers();
    ASSERT_EQ(numbers.size(), 2U * 256U * 8U);
    const std::vector<float> expected = allDecoded();
    for (size_t code = 0; code < 65536; ++code) {
        for (size_t j = 0; j < 8; ++j) {
            const int number = numbers[(code >> 8) * 8 + j] ^ numbers[2048 + (code & 0xFF) * 8 + j];
            ASSERT_EQ((static_cast<float>(number) + 0.5F) * kE8pNumberStep, expected[code * 8 + j])
                << "word " << code << ", coordinate " << j;
        }
    }
}

TEST(E8pCodebook, HasDistinctWordsOfTheStatedSize) {
    const std::vector<float> values = allDecoded();
    std::set<std::array<float, 8>> distinct;
    double square = 0;
    float largest = 0;
    for (size_t i = 0; i < values.size(); i += 8) {
        std::array<float, 8> point;
        for (int j = 0; j < 8; ++j) {
            point[j] = values[i + j];
            square += point[j] * point[j];
            largest = std::max(largest, std::abs(point[j]));
        }
        distinct.insert(point);
    }
    EXPECT_EQ(distinct.size(), 65536U);
    EXPECT_EQ(largest, 2.75F);
    EXPECT_NEAR(square / static_cast<double>(values.size()), 1.196, 0.0005);
}

TEST(E8pReference, FindsTheNearestOfAllWords) {
    const std::vector<float> all = allDecoded();
    for (const float scale : {0.3F, 1.03F, 3.0F}) {
        const std::vector<float> x = randomNormal(8 * 60, scale, 11);
        const Encoded encoded = encodeWith(reference::e8pEncode, x);
        for (size_t i = 0; i < x.size(); i += 8) {
            double best = 1e30;
            for (size_t word = 0; word < all.size(); word += 8) {
                double distance = 0;
                for (int j = 0; j < 8; ++j) {
                    distance += std::pow(double(x[i + j]) - all[word + j], 2);
                }
                best = std::min(best, distance);
            }
            double found = 0;
            for (int j = 0; j < 8; ++j) {
                found += std::pow(double(x[i + j]) - encoded.values[i + j], 2);
            }
            EXPECT_NEAR(found, best, 1e-3) << "scale " << scale << ", seed 11, vector " << i / 8;
        }
    }
}

TEST(E8p, DecodesAsTheReference) {
    std::vector<uint16_t> codes(65536);
    for (size_t i = 0; i < codes.size(); ++i) {
        codes[i] = static_cast<uint16_t>(i);
    }
    std::vector<float> values(codes.size() * 8);
    e8pDecode(codes.data(), 65536, values.data());
    EXPECT_EQ(values, allDecoded());
}

TEST(E8p, ReencodesEveryWordToItself) {
    const Encoded encoded = encodeWith(e8pEncode, allDecoded());
    for (size_t i = 0; i < encoded.codes.size(); ++i) {
        ASSERT_EQ(encoded.codes[i], i);
    }
}

class E8pEncoder : public testing::TestWithParam<float> {};

TEST_P(E8pEncoder, ReturnsTheWordsOfTheReference) {
    const std::vector<float> x = randomNormal(8 * 30011, GetParam(), 5);
    const Encoded expected = encodeWith(reference::e8pEncode, x);
    const Encoded encoded = encodeWith(e8pEncode, x);
    for (size_t i = 0; i < expected.codes.size(); ++i) {
        ASSERT_EQ(encoded.codes[i], expected.codes[i]) << "seed 5, vector " << i;
    }
    EXPECT_EQ(encoded.values, expected.values);
}

// Coarse grids make equally near words common: the rule for ties is tested by them.
TEST_P(E8pEncoder, BreaksTiesAsTheReference) {
    std::vector<float> x = randomNormal(8 * 8009, GetParam(), 6);
    for (float& value : x) {
        value = std::round(value * 4) / 4;
    }
    EXPECT_EQ(encodeWith(e8pEncode, x).codes, encodeWith(reference::e8pEncode, x).codes);
}

INSTANTIATE_TEST_SUITE_P(Scales, E8pEncoder, testing::Values(0.05F, 0.6F, 1.03F, 1.5F, 4.0F, 60.F));

TEST(E8p, TreatsValuesOutOfRangeAsTheReference) {
    const float infinity = std::numeric_limits<float>::infinity();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> x = {nan,  0, 0, 1,     -infinity, 0, 2, infinity, //
                                  1e30, 0, 0, -1e30, 0.5F,      0, 2, 7};
    EXPECT_EQ(encodeWith(e8pEncode, x).codes, encodeWith(reference::e8pEncode, x).codes);
}

TEST(E8p, ReachesItsDistortion) {
    const std::vector<float> x = randomNormal(8 * 200000, 1.03F, 7);
    const Encoded encoded = encodeWith(e8pEncode, x);
    double square = 0;
    for (size_t i = 0; i < x.size(); ++i) {
        square += std::pow(double(x[i]) - encoded.values[i], 2);
    }
    EXPECT_NEAR(square / static_cast<double>(x.size()) / (1.03 * 1.03), 0.0912, 0.0005);
}

namespace {

struct TestMatrix {
    int64_t groups;
    int64_t blocks;
    std::vector<uint16_t> codes;
    std::vector<float> scale;
    E8pMatrix view() const { return {codes.data(), scale.data(), groups, blocks}; }
};

TestMatrix randomMatrix(int64_t groups, int64_t blocks) {
    TestMatrix matrix{groups, blocks, randomWords(groups * blocks * 16, 3),
                      randomNormal(groups, 0.1F, 4)};
    return matrix;
}

} // namespace

TEST(E8pGemm, EqualsDecodeAndDotForOddSizesAndRangesOfOneVector) {
    for (const auto& [groups, blocks] : {std::pair<int64_t, int64_t>{1, 1}, {3, 37}, {2, 300}}) {
        const TestMatrix matrix = randomMatrix(groups, blocks);
        const std::vector<float> x = randomNormal(8 * blocks, 1.0F, 8);
        std::vector<float> expected(16 * groups, 0.5F);
        std::vector<float> y = expected;
        reference::e8pGemv(matrix.view(), x.data(), expected.data(), {0, groups});
        for (int64_t group = 0; group < groups; ++group) {
            e8pGemm(matrix.view(), {x.data(), 0, y.data(), 0, 1}, {group, 1});
        }
        for (size_t i = 0; i < y.size(); ++i) {
            EXPECT_NEAR(y[i], expected[i], 1e-4) << groups << " x " << blocks << ", row " << i;
        }
    }
}

TEST(E8pGemm, LeavesRowsOutsideTheRangeAlone) {
    const TestMatrix matrix = randomMatrix(3, 5);
    const std::vector<float> x = randomNormal(40, 1.0F, 8);
    std::vector<float> y(48, 7.0F);
    e8pGemm(matrix.view(), {x.data(), 0, y.data(), 0, 1}, {1, 1});
    for (int i = 0; i < 16; ++i) {
        EXPECT_EQ(y[i], 7.0F);
        EXPECT_NE(y[16 + i], 7.0F);
        EXPECT_EQ(y[32 + i], 7.0F);
    }
}

TEST(E8pGemm, EqualsOneProductPerVector) {
    const TestMatrix matrix = randomMatrix(3, 70);
    const int64_t xStride = 8 * 70 + 3;
    const int64_t yStride = 16 * 3 + 5;
    for (int64_t count = 1; count <= 7; ++count) {
        const std::vector<float> x = randomNormal(count * xStride, 1.0F, 9);
        std::vector<float> expected(count * yStride, 0.25F);
        std::vector<float> y = expected;
        for (int64_t i = 0; i < count; ++i) {
            reference::e8pGemv(matrix.view(), &x[i * xStride], &expected[i * yStride], {1, 2});
        }
        e8pGemm(matrix.view(), {x.data(), xStride, y.data(), yStride, count}, {1, 2});
        for (size_t i = 0; i < y.size(); ++i) {
            EXPECT_NEAR(y[i], expected[i], 1e-4) << count << " vectors, value " << i;
        }
    }
}

TEST(E8pIntegerProduct, EqualsTheReference) {
    for (const int64_t blocks : {1, 15, 16, 37, 100}) {
        const TestMatrix matrix = randomMatrix(2, blocks);
        for (const int64_t count : {1, 3, 9, 70}) {
            for (const int bits : {8, 16}) {
                SCOPED_TRACE(testing::Message() << blocks << " x " << count << ", " << bits);
                const QuantizedInputs x = randomIntegers(count, blocks * 8, bits, 92);
                std::vector<float> y(count * 35, 0.5F);
                std::vector<float> expected = y;
                e8pIntegerProduct(matrix.view(), x.view(), {y.data(), 35}, {0, 1});
                e8pIntegerProduct(matrix.view(), x.view(), {y.data(), 35}, {1, 1});
                reference::e8pIntegerProduct(matrix.view(), x.view(), {expected.data(), 35},
                                             {0, 2});
                for (size_t i = 0; i < y.size(); ++i) {
                    ASSERT_NEAR(y[i], expected[i], 2e-5F) << i;
                }
            }
        }
    }
}

TEST(E8pIntegerProduct, TakesEachVectorAsIfItWereAlone) {
    const TestMatrix matrix = randomMatrix(1, 75);
    const QuantizedInputs x = randomIntegers(13, 75 * 8, 16, 94);
    std::vector<float> together(13 * 16);
    std::vector<float> alone(13 * 16);
    e8pIntegerProduct(matrix.view(), x.view(), {together.data(), 16}, {0, 1});
    for (int64_t t = 0; t < 13; ++t) {
        QuantizedBatch one = x.view().from(t);
        one.count = 1;
        e8pIntegerProduct(matrix.view(), one, {alone.data() + 16 * t, 16}, {0, 1});
    }
    EXPECT_EQ(together, alone);
}
