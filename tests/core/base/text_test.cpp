#include "core/base/text.h"

#include <vector>

#include <gtest/gtest.h>

using namespace caldera;

TEST(Text, TheNearestWordIsFoundAndAFarOneIsNot) {
    const std::vector<std::string> known = {"rank", "outer_iterations", "codec"};
    EXPECT_EQ(nearestWord("rnak", known), "rank");
    EXPECT_EQ(nearestWord("outer_iteration", known), "outer_iterations");
    EXPECT_EQ(nearestWord("zebra", known), "");
    EXPECT_EQ(nearestWord(std::string(100000000, 'r'), known), ""); // at once
}

TEST(Text, NumbersReadBackExactly) {
    EXPECT_EQ(numberText(0.1), "0.1");
    EXPECT_EQ(numberText(2), "2");
    EXPECT_EQ(std::stod(numberText(1.0 / 3)), 1.0 / 3);
}

TEST(Text, SizesAndTimesAreReadable) {
    EXPECT_EQ(byteText(17), "17 bytes");
    EXPECT_EQ(byteText(1536), "1.5 KiB");
    EXPECT_EQ(byteText(uint64_t{3} << 30), "3.00 GiB");
    EXPECT_EQ(durationText(4.24), "4.2 s");
    EXPECT_EQ(durationText(200), "3 min 20 s");
    EXPECT_EQ(durationText(3900), "1 h 05 min");
}
