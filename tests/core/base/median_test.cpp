#include "core/base/median.h"

#include <gtest/gtest.h>

using namespace caldera;

TEST(Median, IsTheMiddleOrTheMeanOfTheTwoThere) {
    EXPECT_EQ(median({7}), 7);
    EXPECT_EQ(median({9, 1, 2}), 2);
    EXPECT_EQ(median({9, 1, 4, 2}), 3);
}

TEST(Percentile, InterpolatesBetweenNeighbours) {
    const std::vector<double> values = {0, 1, 2, 10};
    EXPECT_EQ(percentile(values, 0), 0);
    EXPECT_EQ(percentile(values, 0.5), 1.5);
    EXPECT_EQ(percentile(values, 1), 10);
    EXPECT_EQ(percentile(std::vector<double>{7}, 0.99), 7);
}
