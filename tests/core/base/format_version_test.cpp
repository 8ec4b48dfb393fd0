#include "core/base/format_version.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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

TEST(FormatVersion, IsReadFromWhateverADocumentIs) {
    EXPECT_EQ(formatOf({{"format", "caldera-shard/1"}}), "caldera-shard/1");
    EXPECT_EQ(formatOf({{"format", 1}}), "");
    EXPECT_EQ(formatOf({{"model", "x"}}), "");
    EXPECT_EQ(formatOf(nlohmann::json::array({"format"})), "");
    EXPECT_EQ(formatOf(nullptr), "");
}
