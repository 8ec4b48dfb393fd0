#include "kernels/hadamard/hadamard.h"

#include <bit>

#include <gtest/gtest.h>

#include "tests/kernels/random_values.h"

using namespace caldera::kernels;

TEST(HadamardBlock, IsTheLargestPowerOfTwoWithinTheLimit) {
    EXPECT_EQ(hadamardBlock(29568), 128);
    EXPECT_EQ(hadamardBlock(18944), 128);
    EXPECT_EQ(hadamardBlock(576), 64);
    EXPECT_EQ(hadamardBlock(4864), 128);
    EXPECT_EQ(hadamardBlock(3), 1);
    EXPECT_EQ(hadamardBlock(96, 16), 16);
}

class BlockHadamard : public testing::TestWithParam<int64_t> {
protected:
    const int64_t block_ = GetParam();
    const int64_t size_ = 3 * block_;
    const std::vector<float> x_ = randomNormal(5 * size_, 1.0F, 41);
};

TEST_P(BlockHadamard, MultipliesByTheSylvesterMatrix) {
    std::vector<float> y = x_;
    blockHadamard(y.data(), 5, size_, block_);
    for (size_t i = 0; i < y.size(); ++i) {
        const size_t first = i / block_ * block_;
        double sum = 0;
        for (int64_t j = 0; j < block_; ++j) {
            const bool minus = std::popcount((i - first) & size_t(j)) % 2 != 0;
            sum += minus ? -double(x_[first + j]) : double(x_[first + j]);
        }
        EXPECT_NEAR(y[i], sum / std::sqrt(double(block_)), 1e-5) << "seed 41, value " << i;
    }
}

TEST_P(BlockHadamard, IsItsOwnInverseAndKeepsLengths) {
    std::vector<float> y = x_;
    blockHadamard(y.data(), 5, size_, block_);
    double before = 0;
    double after = 0;
    for (size_t i = 0; i < y.size(); ++i) {
        before += double(x_[i]) * x_[i];
        after += double(y[i]) * y[i];
    }
    EXPECT_NEAR(after / before, 1.0, 1e-6);
    blockHadamard(y.data(), 5, size_, block_);
    for (size_t i = 0; i < y.size(); ++i) {
        EXPECT_NEAR(y[i], x_[i], 3e-6);
    }
}

TEST_P(BlockHadamard, EqualsTheReferenceBitForBit) {
    std::vector<float> expected = x_;
    std::vector<float> y = x_;
    reference::blockHadamard(expected.data(), 5, size_, block_);
    blockHadamard(y.data(), 5, size_, block_);
    EXPECT_EQ(y, expected);
}

INSTANTIATE_TEST_SUITE_P(Blocks, BlockHadamard,
                         testing::Values<int64_t>(1, 2, 4, 8, 16, 32, 64, 128, 256));
