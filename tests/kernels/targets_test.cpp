// Every instruction set that this machine can run gives the results of the reference.
#include <cmath>

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include "kernels/e8p/e8p.h"
#include "kernels/hadamard/hadamard.h"
#include "kernels/lloyd/lloyd.h"
#include "kernels/nibble/nibble.h"
#include "kernels/trellis/trellis.h"
#include "tests/kernels/random_values.h"

using namespace caldera::kernels;

namespace {

class Targets : public testing::TestWithParam<int64_t> {
protected:
    void SetUp() override { hwy::SetSupportedTargetsForTest(GetParam()); }
    void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

void expectNear(const std::vector<float>& values, const std::vector<float>& expected) {
    for (size_t i = 0; i < values.size(); ++i) {
        ASSERT_NEAR(values[i], expected[i], 2e-4F) << "value " << i;
    }
}

} // namespace

TEST_P(Targets, EncodeE8pAsTheReference) {
    std::vector<float> x = randomNormal(8 * 5003, 1.1F, 61);
    for (size_t i = 0; i < x.size() / 2; ++i) {
        x[i] = std::round(x[i] * 4) / 4; // ties
    }
    std::vector<uint16_t> expected(5003);
    std::vector<uint16_t> codes(5003);
    std::vector<float> expectedValues(x.size());
    std::vector<float> values(x.size());
    reference::e8pEncode(x.data(), 5003, expected.data(), expectedValues.data());
    e8pEncode(x.data(), 5003, codes.data(), values.data());
    EXPECT_EQ(codes, expected);
    EXPECT_EQ(values, expectedValues);
}

TEST_P(Targets, MultiplyE8pAsTheReference) {
    const std::vector<uint16_t> codes = randomWords(2 * 37 * 16, 62);
    const std::vector<float> scale = {0.1F, -0.2F};
    const std::vector<float> x = randomNormal(2 * 8 * 37, 1.0F, 63);
    const E8pMatrix q = {codes.data(), scale.data(), 2, 37};
    std::vector<float> expected(64);
    std::vector<float> single(64);
    for (int i = 0; i < 2; ++i) {
        reference::e8pGemv(q, &x[i * 8 * 37], &expected[i * 32], {0, 2});
        e8pGemm(q, {&x[i * 8 * 37], 0, &single[i * 32], 0, 1}, {0, 2});
    }
    expectNear(single, expected);
    std::vector<float> batched(64);
    e8pGemm(q, {x.data(), 8 * 37, batched.data(), 32, 2}, {0, 2});
    expectNear(batched, expected);
}

TEST_P(Targets, EncodeTrellisAsTheReference) {
    for (const TrellisCode& code : trellisCodes()) {
        std::vector<float> x = randomNormal(8 * kTrellisRows * code.columns, 1.0F, 68);
        for (size_t i = 0; i < x.size() / 2; ++i) {
            x[i] = std::round(x[i]); // ties
        }
        std::vector<uint8_t> expected(8 * code.groupBytes());
        std::vector<uint8_t> codes(expected.size());
        std::vector<float> expectedValues(x.size());
        std::vector<float> values(x.size());
        reference::trellisEncode(code, x.data(), 8, expected.data(), expectedValues.data());
        trellisEncode(code, x.data(), 8, codes.data(), values.data());
        EXPECT_EQ(codes, expected) << code.id;
        EXPECT_EQ(values, expectedValues) << code.id;
    }
}

TEST_P(Targets, MultiplyTrellisAsTheReference) {
    for (const TrellisCode& code : trellisCodes()) {
        const std::vector<uint16_t> words = randomWords(37 * code.groupBytes(), 69);
        const std::vector<uint8_t> codes(words.begin(), words.end());
        const float scale = 0.1F;
        const std::vector<float> x = randomNormal(2 * 37 * code.columns, 1.0F, 70);
        const TrellisMatrix q = {&code, codes.data(), &scale, 1, 37};
        std::vector<float> expected(32);
        std::vector<float> single(32);
        std::vector<float> batched(32);
        for (int i = 0; i < 2; ++i) {
            reference::trellisGemv(q, &x[i * 37 * code.columns], &expected[i * 16], {0, 1});
            trellisGemm(q, {&x[i * 37 * code.columns], 0, &single[i * 16], 0, 1}, {0, 1});
        }
        trellisGemm(q, {x.data(), 37 * code.columns, batched.data(), 16, 2}, {0, 1});
        expectNear(single, expected);
        expectNear(batched, expected);
    }
}

TEST_P(Targets, MultiplyFactorsAsTheReference) {
    const std::vector<uint16_t> words = randomWords(9 * 35, 64);
    const std::vector<uint8_t> codes(words.begin(), words.end());
    const LloydMatrix matrix = {codes.data(), 9, 69};
    const std::vector<float> scale = randomNormal(69, 0.1F, 65);
    const std::vector<float> x = randomNormal(69, 1.0F, 66);
    std::vector<float> expected(9);
    std::vector<float> y(9);
    reference::lloydProject(matrix, scale.data(), x.data(), expected.data(), {0, 9});
    lloydProject(matrix, scale.data(), x.data(), y.data(), {0, 9});
    expectNear(y, expected);
}

TEST_P(Targets, MultiplyNibblesAsTheReference) {
    const std::vector<uint16_t> words = randomWords(5 * 3 * kNibbleBlockBytes, 71);
    const std::vector<uint8_t> codes(words.begin(), words.end());
    std::vector<uint16_t> scale = randomWords(5 * 3, 72);
    for (uint16_t& bits : scale) {
        bits = bits % 0x3000; // positive and below 1/8
    }
    const NibbleRows w = {codes.data(), scale.data(), 5, 150};
    for (const int bits : {8, 16}) {
        const QuantizedInputs x = randomIntegers(5, 150, bits, 73);
        std::vector<float> expected(25);
        std::vector<float> y(25);
        reference::multiply(w, x.view(), {expected.data(), 5});
        multiply(w, x.view(), {y.data(), 5});
        expectNear(y, expected);
    }
}

TEST_P(Targets, MultiplyIntegersAsTheReference) {
    for (const TrellisCode& code : trellisCodes()) {
        const std::vector<uint16_t> words = randomWords(37 * code.groupBytes(), 74);
        const std::vector<uint8_t> codes(words.begin(), words.end());
        const std::vector<uint32_t> table = trellisByteTable(code);
        const float scale = 0.1F;
        const TrellisMatrix q = {&code, codes.data(), &scale, 1, 37};
        for (const int64_t count : {1, 9}) {
            for (const int bits : {8, 16}) {
                const QuantizedInputs x = randomIntegers(count, 37 * code.columns, bits, 75);
                std::vector<float> expected(16 * count);
                std::vector<float> y(16 * count);
                reference::trellisIntegerProduct(q, x.view(), {expected.data(), 16}, {0, 1});
                trellisIntegerProduct(q, table.data(), x.view(), {y.data(), 16}, {0, 1});
                expectNear(y, expected);
            }
        }
    }
}

TEST_P(Targets, MultiplyLatticeWordsAndIntegersAsTheReference) {
    const std::vector<uint16_t> codes = randomWords(37 * 16, 78);
    const float scale = 0.1F;
    const E8pMatrix q = {codes.data(), &scale, 1, 37};
    for (const int64_t count : {1, 9}) {
        for (const int bits : {8, 16}) {
            const QuantizedInputs x = randomIntegers(count, 37 * 8, bits, 79);
            std::vector<float> expected(16 * count);
            std::vector<float> y(16 * count);
            reference::e8pIntegerProduct(q, x.view(), {expected.data(), 16}, {0, 1});
            e8pIntegerProduct(q, x.view(), {y.data(), 16}, {0, 1});
            expectNear(y, expected);
        }
    }
}

TEST_P(Targets, MultiplyFactorsAndIntegersAsTheReference) {
    const std::vector<uint16_t> words = randomWords(9 * 85, 76);
    const std::vector<uint8_t> codes(words.begin(), words.end());
    const LloydMatrix matrix = {codes.data(), 9, 169};
    for (const int bits : {8, 16}) {
        const QuantizedInputs x = randomIntegers(5, 169, bits, 77);
        std::vector<float> expected(45);
        std::vector<float> y(45);
        reference::lloydIntegerProduct(matrix, bits, x.view(), {expected.data(), 9}, {0, 9});
        lloydIntegerProduct(matrix, bits, x.view(), {y.data(), 9}, {0, 9});
        expectNear(y, expected);
    }
}

TEST_P(Targets, QuantizeAsTheReference) {
    const std::vector<float> x = randomNormal(200, 2.0F, 78);
    for (const int bits : {8, 16}) {
        QuantizedInputs inputs;
        inputs.resize(1, 200, bits);
        inputs.set(0, x.data());
        std::vector<int8_t> high(256);
        std::vector<int8_t> low(256);
        std::vector<float> scale(2);
        std::vector<int32_t> sum(2);
        reference::quantize(
            x.data(), 200,
            {high.data(), bits == 16 ? low.data() : nullptr, scale.data(), sum.data(), 2});
        const QuantizedBatch got = inputs.view();
        EXPECT_EQ(std::vector<int8_t>(got.high, got.high + 256), high);
        EXPECT_EQ(std::vector<int32_t>(got.sum, got.sum + 2), sum);
    }
}

TEST_P(Targets, TransformBlocksBitForBitAsTheReference) {
    for (const int64_t block : {2, 8, 64, 128}) {
        std::vector<float> expected = randomNormal(3 * 128, 1.0F, 67);
        std::vector<float> x = expected;
        reference::blockHadamard(expected.data(), 3, 128, block);
        blockHadamard(x.data(), 3, 128, block);
        EXPECT_EQ(x, expected) << "block " << block;
    }
}

INSTANTIATE_TEST_SUITE_P(Machine, Targets, testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& target) { return hwy::TargetName(target.param); });
