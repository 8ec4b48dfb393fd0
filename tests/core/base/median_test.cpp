#include "core/base/median.h"

#include <gtest/gtest.h>

using namespace caldera;

TEST(Median, IsTheMiddleOrTheMeanOfTheTwoThere) {
    EXPECT_EQ(median({7}), 7);
    EXPECT_EQ(median({9, 1, 2}), 2);
    EXPECT_EQ(median({9, 1, 4, 2}), 3);
}
