#include "kernels/dense/dense.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/half.h"

namespace caldera::kernels {
namespace {

constexpr uint32_t kSeed = 7;

std::vector<float> randomValues(int64_t count, float scale = 1.0F) {
    static std::mt19937 generator(kSeed);
    std::normal_distribution<float> normal(0.0F, scale);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) {
        value = normal(generator);
    }
    return values;
}

template <class Value>
std::vector<Value> stored(const std::vector<float>& values) {
    std::vector<Value> result;
    for (const float value : values) {
        if constexpr (std::is_same_v<Value, uint16_t>) {
            result.push_back(floatToBf16(value));
        } else if constexpr (std::is_same_v<Value, int8_t>) {
            result.push_back(static_cast<int8_t>(std::clamp(value * 40.0F, -127.0F, 127.0F)));
        } else {
            result.push_back(value);
        }
    }
    return result;
}

template <class Value>
class DenseMultiply : public testing::Test {};
using ValueTypes = testing::Types<float, uint16_t, int8_t>;
TYPED_TEST_SUITE(DenseMultiply, ValueTypes);

TYPED_TEST(DenseMultiply, EqualsTheReferenceForAwkwardSizes) {
    for (const int64_t rows : {1, 7, 8, 17}) {
        for (const int64_t columns : {1, 5, 64, 131}) {
            for (const int64_t count : {1, 2, 4, 7}) {
                SCOPED_TRACE(testing::Message() << rows << " x " << columns << " x " << count);
                const int64_t stride = columns + 3;
                const auto w = stored<TypeParam>(randomValues(rows * stride));
                const auto x = randomValues(count * stride);
                const RowBlock<TypeParam> block{w.data(), rows, columns, stride};
                const InputVectors inputs{x.data(), count, stride};
                std::vector<float> got(static_cast<size_t>(count * (rows + 1)), -1.0F);
                std::vector<float> expected = got;
                multiply(block, inputs, {got.data(), rows + 1});
                reference::multiply(block, inputs, {expected.data(), rows + 1});
                for (size_t i = 0; i < got.size(); ++i) {
                    ASSERT_NEAR(got[i], expected[i], 1e-3F) << i;
                }
            }
        }
    }
}

TYPED_TEST(DenseMultiply, DoesNotDependOnHowRowsAreSplit) {
    constexpr int64_t kRows = 32;
    constexpr int64_t kColumns = 96;
    const auto w = stored<TypeParam>(randomValues(kRows * kColumns));
    const auto x = randomValues(5 * kColumns);
    std::vector<float> whole(5 * kRows);
    std::vector<float> parts(5 * kRows);
    multiply(RowBlock<TypeParam>{w.data(), kRows, kColumns, kColumns}, {x.data(), 5, kColumns},
             {whole.data(), kRows});
    for (int64_t first = 0; first < kRows; first += 16) {
        multiply(RowBlock<TypeParam>{w.data() + first * kColumns, 16, kColumns, kColumns},
                 {x.data(), 5, kColumns}, {parts.data() + first, kRows});
    }
    EXPECT_EQ(whole, parts);
}

TEST(DenseAddWeightedRows, EqualsTheReference) {
    for (const int64_t columns : {3, 64, 80, 133}) {
        const auto rows = randomValues(11 * columns);
        const auto weights = randomValues(11);
        auto got = randomValues(columns);
        auto expected = got;
        addWeightedRows({rows.data(), 11, columns, columns}, weights.data(), got.data());
        reference::addWeightedRows({rows.data(), 11, columns, columns}, weights.data(),
                                   expected.data());
        for (size_t i = 0; i < got.size(); ++i) {
            ASSERT_NEAR(got[i], expected[i], 1e-4F);
        }
    }
}

TEST(DenseExpAndSum, EqualsTheReferenceAndForgetsHopelessValues) {
    auto got = randomValues(37, 5.0F);
    got[3] = -1e4F;
    auto expected = got;
    const float max = *std::max_element(got.begin(), got.end());
    const float sum = expAndSum(got.data(), 37, max);
    EXPECT_NEAR(sum, reference::expAndSum(expected.data(), 37, max), 1e-5F);
    EXPECT_EQ(got[3], 0.0F);
    for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], expected[i], 1e-6F);
    }
}

TEST(DenseSwiGlu, EqualsTheReferenceAndStaysFinite) {
    auto got = randomValues(45, 4.0F);
    got[0] = -200.0F;
    got[1] = 200.0F;
    got[44] = -200.0F;
    const auto up = randomValues(45);
    auto expected = got;
    swiGlu(got.data(), up.data(), 45);
    reference::swiGlu(expected.data(), up.data(), 45);
    for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], expected[i], 1e-5F * (1.0F + std::abs(expected[i]))) << i;
    }
}

TEST(DenseRmsNorm, EqualsTheReference) {
    for (const int64_t count : {1, 5, 64, 576, 1537}) {
        const auto x = randomValues(count, 3.0F);
        const auto weight = randomValues(count);
        std::vector<float> got(x);
        std::vector<float> expected(x.size());
        reference::rmsNorm(x.data(), weight.data(), count, 1e-3F, expected.data());
        rmsNorm(got.data(), weight.data(), count, 1e-3F, got.data());
        for (size_t i = 0; i < got.size(); ++i) {
            ASSERT_NEAR(got[i], expected[i], 2e-6F * (1 + std::abs(expected[i]))) << count;
        }
    }
    std::vector<float> zeros(40, 0.0F);
    rmsNorm(zeros.data(), randomValues(40).data(), 40, 1e-5F, zeros.data());
    EXPECT_EQ(zeros, std::vector<float>(40, 0.0F));
}

TEST(DenseMultiplyEach, MultipliesInPlaceToo) {
    for (const int64_t count : {1, 17, 64, 131}) {
        const auto a = randomValues(count);
        auto b = randomValues(count);
        std::vector<float> expected;
        for (size_t i = 0; i < a.size(); ++i) {
            expected.push_back(a[i] * b[i]);
        }
        multiplyEach(a.data(), b.data(), count, b.data());
        EXPECT_EQ(b, expected) << count;
    }
}

} // namespace
} // namespace caldera::kernels
