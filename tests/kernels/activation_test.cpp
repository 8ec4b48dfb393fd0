#include "kernels/activation/activation.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/hadamard/hadamard.h"
#include "tests/kernels/random_values.h"

using namespace caldera::kernels;

namespace {

/// Signs and inputs of a vector, and what quantizeInput makes of them.
struct Quantized {
    std::vector<float> x;
    std::vector<float> sign;
    std::vector<int8_t> codes;
    std::vector<float> scale;
    std::vector<int32_t> sum;

    explicit Quantized(int64_t size)
        : x(randomNormal(size, 2, 81)), sign(randomNormal(size, 1, 82)),
          codes((size + kQuantizedBlock - 1) / kQuantizedBlock * kQuantizedBlock, 99),
          scale(codes.size() / kQuantizedBlock), sum(scale.size()) {
        for (float& each : sign) {
            each = each < 0 ? -1.0F : 1.0F;
        }
    }
    void run() {
        const auto size = static_cast<int64_t>(x.size());
        reference::quantizeInput(
            x.data(), sign.data(), {size, hadamardBlock(size)},
            {codes.data(), scale.data(), sum.data(), static_cast<int64_t>(scale.size())});
    }
};

} // namespace

TEST(Activation, CodesAreWithinHalfAStepOfTheRotatedInput) {
    for (const int64_t size : {1, 3, 128, 231, 576, 1536}) {
        Quantized q(size);
        q.run();
        std::vector<float> rotated(q.x);
        for (int64_t i = 0; i < size; ++i) {
            rotated[i] *= q.sign[i];
        }
        blockHadamard(rotated.data(), 1, size, hadamardBlock(size));
        std::vector<int32_t> sum(q.sum.size());
        for (int64_t i = 0; i < static_cast<int64_t>(q.codes.size()); ++i) {
            const float scale = q.scale[i / kQuantizedBlock];
            const float value = i < size ? rotated[i] : 0;
            EXPECT_NEAR(q.codes[i] * scale, value, 0.5001F * scale) << size << ", " << i;
            sum[i / kQuantizedBlock] += q.codes[i];
        }
        EXPECT_EQ(q.sum, sum) << size;
    }
}

TEST(Activation, ABlockOfZerosHasNoScale) {
    Quantized q(256);
    std::fill(q.x.begin() + 128, q.x.end(), 0.0F);
    q.run();
    EXPECT_GT(q.scale[0], 0);
    EXPECT_EQ(q.scale[1], 0);
    EXPECT_TRUE(std::all_of(q.codes.begin() + 128, q.codes.end(), [](int c) { return c == 0; }));
}

TEST(Activation, RotatingBackUndoesTheRotation) {
    for (const int64_t size : {3, 576, 1024}) {
        const int64_t block = hadamardBlock(size);
        Quantized q(size);
        std::vector<float> rotated(q.x);
        for (int64_t i = 0; i < size; ++i) {
            rotated[i] *= q.sign[i];
        }
        blockHadamard(rotated.data(), 1, size, block);
        const std::vector<float> bias(size, 0.25F);
        std::vector<float> y(size);
        reference::rotateOutput(rotated.data(), q.sign.data(), bias.data(), {size, block},
                                y.data());
        for (int64_t i = 0; i < size; ++i) {
            EXPECT_NEAR(y[i], q.x[i] + 0.25F, 1e-5F) << size << ", " << i;
        }
    }
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
