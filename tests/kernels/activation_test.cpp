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
