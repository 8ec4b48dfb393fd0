#include "core/codec/scalar_code.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

using namespace caldera;

namespace {

constexpr int kWidth = kScalarGroup;

std::vector<float> normal(int64_t count, uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> distribution;
    std::vector<float> values(count);
    std::generate(values.begin(), values.end(), [&] { return distribution(random); });
    return values;
}

/// Lower, with a strong first subdiagonal: neighbours can make up for one another.
std::vector<float> couplingFactor() {
    std::vector<float> factor(kWidth * kWidth);
    for (int i = 0; i < kWidth; ++i) {
        factor[i * kWidth + i] = 1;
        if (i > 0) {
            factor[i * kWidth + i - 1] = 0.9F;
        }
    }
    return factor;
}

/// |e C|^2 of every row of the difference.
double weighedError(const std::vector<float>& x, const std::vector<float>& y,
                    const std::vector<float>& factor) {
    double sum = 0;
    for (size_t row = 0; row < x.size(); row += kWidth) {
        for (int j = 0; j < kWidth; ++j) {
            double part = 0;
            for (int i = j; i < kWidth; ++i) {
                part += static_cast<double>(x[row + i] - y[row + i]) * factor[i * kWidth + j];
            }
            sum += part * part;
        }
    }
    return sum;
}

std::vector<float> encoded(const ScalarCode& code, const std::vector<float>& x,
                           const float* cholesky) {
    const auto count = static_cast<int64_t>(x.size() / kWidth);
    std::vector<uint8_t> codes(count * code.groupBytes());
    std::vector<float> decoded(x.size());
    scalarEncode(code, x.data(), count, cholesky, codes.data(), decoded.data());
    return decoded;
}

/// x with P(N(0, 1) < x) = p.
double quantile(double p) {
    double low = -10;
    double high = 10;
    while (high - low > 1e-12) {
        const double middle = (low + high) / 2;
        (std::erfc(-middle / std::sqrt(2.0)) / 2 < p ? low : high) = middle;
    }
    return low;
}

} // namespace

TEST(ScalarCode, HasQuantilesOfTheNormalDistributionAsLevels) {
    for (const int bits : {2, 3, 4}) {
        const ScalarCode& code = *scalarCode("nf-" + std::to_string(bits) + "g64");
        const int half = 1 << (bits - 1);
        const double outer = 1 - (1.0 / (2 * half - 1) + 1.0 / (2 * half)) / 4;
        const auto level = [&](int i, int count) { // i-th of `count` from the outermost
            return quantile(outer + (0.5 - outer) * i / count) / quantile(outer);
        };
        for (int i = 0; i < half; ++i) {
            EXPECT_NEAR(code.levels[2 * half - 1 - i], level(i, half), 1e-6);
        }
        for (int i = 0; i < half - 1; ++i) {
            EXPECT_NEAR(code.levels[i], -level(i, half - 1), 1e-6);
        }
        EXPECT_EQ(code.levels[half - 1], 0);
    }
    EXPECT_EQ(scalarCode("nf-8g64"), nullptr);
}

TEST(ScalarCode, KeepsTheDocumentedOrderOfBits) {
    const ScalarCode& code = *scalarCode("scalar-3g64");
    std::array<uint8_t, 26> bytes{};
    bytes[1] = 0x40; // fp16 2.0
    bytes[2] = 0xD1; // 001 010 11.
    bytes[3] = 0x00;
    bytes[25] = 0xE0; // the last three bits
    std::array<float, kWidth> values;
    scalarDecode(code, bytes.data(), 1, values.data());
    EXPECT_EQ(values[0], 2 * -2.5F);
    EXPECT_EQ(values[1], 2 * -1.5F);
    EXPECT_EQ(values[2], 2 * -0.5F);
    EXPECT_EQ(values[3], 2 * -3.5F);
    EXPECT_EQ(values[63], 2 * 3.5F);
}

TEST(ScalarCode, FeedsErrorsBackInsideAGroup) {
    const std::vector<float> x = normal(200 * kWidth, 71);
    const std::vector<float> factor = couplingFactor();
    for (const char* id : {"scalar-2g64", "scalar-4g64", "nf-3g64"}) {
        const ScalarCode& code = *scalarCode(id);
        EXPECT_LT(weighedError(x, encoded(code, x, factor.data()), factor),
                  0.75 * weighedError(x, encoded(code, x, nullptr), factor))
            << id;
    }
}

TEST(ScalarCode, TakesAFactorOfNothing) {
    const std::vector<float> x = normal(kWidth, 72);
    const std::vector<float> factor(kWidth * kWidth);
    for (const float value : encoded(*scalarCode("nf-4g64"), x, factor.data())) {
        EXPECT_TRUE(std::isfinite(value));
    }
}

TEST(ScalarCode, ChoosesScalesThatSuitTheValues) {
    // Values on a grid of their own are met exactly, whatever part of the levels they use.
    const ScalarCode& code = *scalarCode("scalar-4g64");
    std::vector<float> x(kWidth);
    for (int i = 0; i < kWidth; ++i) {
        x[i] = 0.25F * (static_cast<float>(i % 6) - 2.5F);
    }
    EXPECT_EQ(encoded(code, x, nullptr), x);
    // One outlier costs less when it is clipped than when it coarsens all others.
    x = normal(kWidth, 73);
    x[5] = 6;
    const std::vector<float> two = encoded(*scalarCode("scalar-2g64"), x, nullptr);
    EXPECT_LT(two[5], 5);
    EXPECT_GT(two[5], 1);
}
