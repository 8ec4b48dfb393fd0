#include "core/base/half.h"

#include <limits>

#include <gtest/gtest.h>

using namespace caldera;

TEST(Half, EveryFp16ValueSurvivesTheRoundTrip) {
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
        const float value = fp16ToFloat(static_cast<uint16_t>(bits));
        if (std::isnan(value)) {
            EXPECT_TRUE(std::isnan(fp16ToFloat(floatToFp16(value))));
        } else {
            EXPECT_EQ(floatToFp16(value), bits);
        }
    }
}

TEST(Half, EveryBf16ValueSurvivesTheRoundTrip) {
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
        const float value = bf16ToFloat(static_cast<uint16_t>(bits));
        if (!std::isnan(value)) {
            EXPECT_EQ(floatToBf16(value), bits);
        }
    }
}

TEST(Half, RoundsToNearestEvenAndOverflowsToInfinity) {
    EXPECT_EQ(floatToFp16(1.0F), 0x3C00);
    EXPECT_EQ(floatToFp16(1.0F + 0x1p-11F), 0x3C00);     // tie goes to even
    EXPECT_EQ(floatToFp16(1.0F + 3 * 0x1p-11F), 0x3C02); // tie goes to even
    EXPECT_EQ(floatToFp16(65519.0F), 0x7BFF);
    EXPECT_EQ(floatToFp16(65520.0F), 0x7C00);
    EXPECT_EQ(floatToFp16(-1e30F), 0xFC00);
    EXPECT_EQ(floatToFp16(0x1p-24F), 0x0001);
    EXPECT_EQ(floatToFp16(0x1p-25F), 0x0000);
    EXPECT_EQ(floatToBf16(std::numeric_limits<float>::max()), 0x7F80);
}
