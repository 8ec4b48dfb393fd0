#include "core/base/format_version.h"

#include <gtest/gtest.h>

using namespace caldera;

TEST(FormatVersion, TellsOursFromNewerOnesAndOthers) {
    EXPECT_EQ(formatText("caldera-plan", 1), "caldera-plan/1");
    EXPECT_EQ(formatFit("caldera-plan/1", "caldera-plan", 1), FormatFit::Readable);
    EXPECT_EQ(formatFit("caldera-plan/1", "caldera-plan", 3), FormatFit::Readable);
    EXPECT_EQ(formatFit("caldera-plan/2", "caldera-plan", 1), FormatFit::Newer);
    EXPECT_EQ(formatFit("caldera-plan/99999999999999999999", "caldera-plan", 1), FormatFit::Newer);
    for (const char* text :
         {"", "caldera-plan", "caldera-plan/", "caldera-plan/0", "caldera-plan/-1",
          "caldera-plan/1.5", "caldera-plan/1 ", "caldera-plans/1", "plan/1"}) {
        EXPECT_EQ(formatFit(text, "caldera-plan", 1), FormatFit::Foreign) << text;
    }
}
