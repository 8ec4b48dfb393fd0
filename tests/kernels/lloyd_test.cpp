#include "kernels/lloyd/lloyd.h"

#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "tests/kernels/random_values.h"

using namespace caldera::kernels;

namespace {

double density(double x) {
    return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
}
double above(double x) {
    return std::erfc(x / std::numbers::sqrt2) / 2;
}

/// Mean squared error on N(0,1), from the levels alone.
double distortion(std::span<const float> levels) {
    double captured = 0;
    for (size_t i = 0; i < levels.size(); ++i) {
        const double from = i == 0 ? -40 : (double(levels[i - 1]) + levels[i]) / 2;
        const double to = i + 1 == levels.size() ? 40 : (double(levels[i]) + levels[i + 1]) / 2;
        captured += double(levels[i]) * levels[i] * (above(from) - above(to));
    }
    return 1 - captured;
}

} // namespace

TEST(LloydLevels, AreTheMeansOfWhatIsNearestToThem) {
    for (const int bits : {2, 3, 4}) {
        const std::span<const float> levels = lloydLevels(bits);
        ASSERT_EQ(levels.size(), size_t(1) << bits);
        for (size_t i = 0; i < levels.size(); ++i) {
            const double from = i == 0 ? -40 : (double(levels[i - 1]) + levels[i]) / 2;
            const double to = i + 1 == levels.size() ? 40 : (double(levels[i]) + levels[i + 1]) / 2;
            const double mean = (density(from) - density(to)) / (above(from) - above(to));
            EXPECT_NEAR(levels[i], mean, 3e-7) << bits << " bits, level " << i;
            EXPECT_EQ(levels[i], -levels[levels.size() - 1 - i]);
        }
    }
    EXPECT_NEAR(distortion(lloydLevels(2)), 0.117482, 1e-6);
    EXPECT_NEAR(distortion(lloydLevels(3)), 0.034548, 1e-6);
    EXPECT_NEAR(distortion(lloydLevels(4)), 0.009501, 1e-6);
}

TEST(LloydQuantize, FindsTheNearestLevel) {
    const std::vector<float> x = randomNormal(2000, 1.3F, 21);
    for (const int bits : {2, 3, 4}) {
        const std::span<const float> levels = lloydLevels(bits);
        std::vector<uint8_t> indices(x.size());
        lloydQuantize(levels, x.data(), int64_t(x.size()), indices.data());
        for (size_t i = 0; i < x.size(); ++i) {
            ASSERT_LT(indices[i], levels.size());
            for (const float level : levels) {
                EXPECT_LE(std::abs(x[i] - levels[indices[i]]), std::abs(x[i] - level) + 1e-6F);
            }
        }
    }
}

TEST(LloydQuantize, TakesTheLowerOfTwoLevelsAndAnythingForInput) {
    const float infinity = std::numeric_limits<float>::infinity();
    const std::vector<float> x = {0.0F, infinity, -infinity, std::nanf("")};
    std::vector<uint8_t> indices(x.size());
    lloydQuantize(lloydLevels(4), x.data(), 4, indices.data());
    EXPECT_EQ(indices, (std::vector<uint8_t>{7, 15, 0, 0}));
}

TEST(LloydIntegers, AreTheLevelsWithinHalfAStep) {
    for (const int bits : {8, 16}) {
        const LloydIntegers& levels = lloydIntegers(bits);
        for (size_t i = 0; i < 16; ++i) {
            const int level = bits == 8 ? levels.high[i] : 256 * levels.high[i] + levels.low[i];
            EXPECT_NEAR(static_cast<float>(level) * levels.step, lloydLevels(4)[i],
                        0.501F * levels.step);
        }
        EXPECT_EQ(levels.high[15], 127);
    }
}

class LloydProducts : public testing::TestWithParam<std::pair<int64_t, int64_t>> {
protected:
    LloydProducts()
        : rows_(GetParam().first), columns_(GetParam().second),
          words_(randomWords(rows_ * ((columns_ + 1) / 2), 22)),
          codes_(words_.begin(), words_.end()), matrix_{codes_.data(), rows_, columns_} {}
    int64_t rows_;
    int64_t columns_;
    std::vector<uint16_t> words_;
    std::vector<uint8_t> codes_;
    LloydMatrix matrix_;
};

TEST_P(LloydProducts, DecodeAsTheReference) {
    std::vector<float> expected(columns_);
    std::vector<float> values(columns_);
    for (int64_t row = 0; row < rows_; ++row) {
        reference::lloydDecodeRow(matrix_, row, expected.data());
        lloydDecodeRow(matrix_, row, values.data());
        EXPECT_EQ(values, expected);
    }
}

TEST_P(LloydProducts, ProjectAsTheReferenceInEveryRange) {
    const std::vector<float> scale = randomNormal(rows_, 0.1F, 23);
    const std::vector<float> x = randomNormal(columns_, 1.0F, 24);
    std::vector<float> expected(rows_);
    std::vector<float> t(rows_, -9.0F);
    reference::lloydProject(matrix_, scale.data(), x.data(), expected.data(), {0, rows_});
    const int64_t middle = rows_ / 3;
    lloydProject(matrix_, scale.data(), x.data(), t.data(), {0, middle});
    for (int64_t i = middle; i < rows_; ++i) {
        EXPECT_EQ(t[i], -9.0F);
    }
    lloydProject(matrix_, scale.data(), x.data(), t.data(), {middle, rows_ - middle});
    for (int64_t i = 0; i < rows_; ++i) {
        EXPECT_NEAR(t[i], expected[i], 2e-5) << "row " << i;
    }
}

TEST_P(LloydProducts, MultiplyIntegersAsTheReference) {
    for (const int64_t count : {1, 4, 7}) {
        for (const int bits : {8, 16}) {
            const QuantizedInputs x = randomIntegers(count, columns_, bits, 27);
            std::vector<float> expected(count * rows_, 9.0F);
            std::vector<float> y(expected);
            const int levelBits = count == 4 ? 24 - bits : bits;
            reference::lloydIntegerProduct(matrix_, levelBits, x.view(), {expected.data(), rows_},
                                           {0, rows_});
            const int64_t middle = rows_ / 3;
            lloydIntegerProduct(matrix_, levelBits, x.view(), {y.data() + middle, rows_},
                                {middle, rows_ - middle});
            lloydIntegerProduct(matrix_, levelBits, x.view(), {y.data(), rows_}, {0, middle});
            for (size_t i = 0; i < y.size(); ++i) {
                ASSERT_NEAR(y[i], expected[i], 1e-4F) << count << ", " << bits << ", " << i;
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, LloydProducts,
                         testing::Values(std::pair<int64_t, int64_t>{1, 1},
                                         std::pair<int64_t, int64_t>{5, 7},
                                         std::pair<int64_t, int64_t>{16, 576},
                                         std::pair<int64_t, int64_t>{67, 33},
                                         std::pair<int64_t, int64_t>{192, 16}));
