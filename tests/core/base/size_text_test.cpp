#include "core/base/size_text.h"

#include <string>

#include <gtest/gtest.h>

namespace caldera {
namespace {

TEST(SizeText, ReadsWhatPeopleWrite) {
    EXPECT_EQ(parseBytes("1000000"), 1000000);
    EXPECT_EQ(parseBytes("0"), 0);
    EXPECT_EQ(parseBytes("21GiB"), 21LL << 30);
    EXPECT_EQ(parseBytes("21 gib"), 21LL << 30);
    EXPECT_EQ(parseBytes("1.5MB"), 1500000);
    EXPECT_EQ(parseBytes("1e9"), 1000000000);
    EXPECT_EQ(parseBytes("0.5KiB"), 512);
    EXPECT_EQ(parseBytes("2TiB"), 2LL << 40);
    EXPECT_EQ(parseBytes("17 B"), 17);
}

TEST(SizeText, TakesNothingElse) {
    for (const char* text : {"", "GiB", "21G", "21 GiB!", "-1", "nan", "inf", "1e30", "9000TiB",
                             "21 GiB 3", "0x10", "1,5GB", " 21"}) {
        EXPECT_EQ(parseBytes(text), std::nullopt) << text;
    }
}

} // namespace
} // namespace caldera
