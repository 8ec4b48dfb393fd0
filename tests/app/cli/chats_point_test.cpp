#include "app/cli/chats_point.h"

#include <gtest/gtest.h>

using namespace caldera;

TEST(ChatsPoint, ItsSpeedIsThatOfTheAnswersTogether) {
    GenerationStatistics quick;
    quick.tokensPerSecond = 30; // one long gap, which the median does not know
    quick.p50 = 0.01;
    GenerationStatistics slow = quick;
    slow.tokensPerSecond = 20;
    const auto json = toJson(cli::pointOf(128, {quick, slow}), 1'000'000, 1e8);
    EXPECT_EQ(json.at("chats"), 2);
    EXPECT_DOUBLE_EQ(json.at("tokens_per_second"), 50);
    EXPECT_DOUBLE_EQ(json.at("p50"), 0.01);
    EXPECT_DOUBLE_EQ(json.at("roofline_share"), 0.25) << "25 steps a second of 100 that fit";
    EXPECT_FALSE(toJson(cli::pointOf(128, {quick}), 1'000'000, 0).contains("roofline_share"));
}
