#include "kernels/activation/activation.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/hadamard/hadamard.h"
#include "tests/kernels/random_values.h"

using namespace caldera::kernels;

TEST(Activation, RotatingBackUndoesTheRotation) {
    for (const int64_t size : {3, 576, 1024}) {
        const int64_t block = hadamardBlock(size);
        const std::vector<float> x = randomNormal(size, 2, 81);
        std::vector<float> sign = randomNormal(size, 1, 82);
        std::vector<float> rotated(x);
        for (int64_t i = 0; i < size; ++i) {
            sign[i] = sign[i] < 0 ? -1.0F : 1.0F;
            rotated[i] *= sign[i];
        }
        blockHadamard(rotated.data(), 1, size, block);
        const std::vector<float> bias(size, 0.25F);
        std::vector<float> y(size);
        reference::rotateOutput(rotated.data(), sign.data(), bias.data(), {size, block}, y.data());
        for (int64_t i = 0; i < size; ++i) {
            EXPECT_NEAR(y[i], x[i] + 0.25F, 1e-5F) << size << ", " << i;
        }
    }
}

TEST(Quantize, ABlockOfZerosHasNoScaleAndOthersTheSumOfTheirCodes) {
    std::vector<float> x = randomNormal(256, 2, 81);
    std::fill(x.begin() + 128, x.end(), 0.0F);
    QuantizedInputs inputs;
    inputs.resize(1, 256, 8);
    inputs.set(0, x.data());
    const QuantizedBatch got = inputs.view();
    EXPECT_GT(got.scale[0], 0);
    EXPECT_EQ(got.scale[1], 0);
    EXPECT_EQ(got.sum[0], std::accumulate(got.high, got.high + 128, 0));
    EXPECT_TRUE(std::all_of(got.high + 128, got.high + 256, [](int code) { return code == 0; }));
}

TEST(Quantize, RoundsAsTheReference) {
    for (const int64_t size : {1, 5, 128, 130, 576}) {
        for (const int bits : {8, 16}) {
            SCOPED_TRACE(testing::Message() << size << ", " << bits);
            std::vector<float> x = randomNormal(size, 3, 83);
            if (size == 576) {
                std::fill_n(x.begin() + 128, 128, 0.0F);
                std::fill_n(x.begin() + 256, 128, 1e-39F); // whose inverse is no number
            }
            QuantizedInputs inputs;
            inputs.resize(1, size, bits);
            inputs.set(0, x.data());
            const QuantizedBatch got = inputs.view();
            const int64_t blocks = got.blocks;
            std::vector<int8_t> high(blocks * kQuantizedBlock, 99);
            std::vector<int8_t> low(high);
            std::vector<float> scale(blocks);
            std::vector<int32_t> sum(blocks);
            reference::quantize(
                x.data(), size,
                {high.data(), bits == 16 ? low.data() : nullptr, scale.data(), sum.data(), blocks});
            EXPECT_EQ(std::vector<int8_t>(got.high, got.high + high.size()), high);
            EXPECT_EQ(std::vector<float>(got.scale, got.scale + blocks), scale);
            EXPECT_EQ(std::vector<int32_t>(got.sum, got.sum + blocks), sum);
            if (bits == 16) {
                EXPECT_EQ(std::vector<int8_t>(got.low, got.low + low.size()), low);
            } else {
                EXPECT_EQ(got.low, nullptr);
            }
            for (int64_t i = 0; i < size; ++i) {
                ASSERT_NEAR(got.value(i), x[i], 0.501F * scale[i / kQuantizedBlock] + 1e-38F);
            }
        }
    }
}
