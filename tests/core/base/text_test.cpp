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
    EXPECT_EQ(byteText(1536), "1.54 kB");
    EXPECT_EQ(byteText(999'999), "1.00 MB");
    EXPECT_EQ(byteText(9'999'000), "10.0 MB");
    EXPECT_EQ(byteText(uint64_t{3} << 30), "3.22 GB");
    EXPECT_EQ(memoryText(1000), "1000 bytes");
    EXPECT_EQ(memoryText(1536), "1.50 KiB");
    EXPECT_EQ(memoryText(uint64_t{24} << 30), "24.0 GiB");
    EXPECT_EQ(memoryText((uint64_t{1} << 30) - 1), "1.00 GiB");
    EXPECT_EQ(durationText(4.24), "4.2 s");
    EXPECT_EQ(durationText(200), "3 min 20 s");
    EXPECT_EQ(durationText(3900), "1 h 05 min");
}
