#include "widgets/chat/throughput_panel.h"

#include <algorithm>

#include <QLabel>

#include <gtest/gtest.h>

#include "tests/gui/chat/chat_view_fixture.h"
#include "widgets/support/plot.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

class ThroughputTest : public ChatViewTest {};

TEST_F(ThroughputTest, DrawsTheMeanOfAnAnswerTooShortForALine) {
    connectToServer();
    server_.play({kStreamHead, FakeServer::token(u"Hello "_s), FakeServer::token(u"you"_s),
                  FakeServer::end(u"stop"_s, {{u"tokens_per_second"_s, 40.0}})});
    type(u"Hi"_s);
    ASSERT_TRUE(becomesIdle());
    const QList<QPair<double, double>>& line = view_->throughput()->line();
    ASSERT_GE(line.size(), 2);
    for (const auto& [second, rate] : line)
        EXPECT_EQ(rate, 40.0);
    EXPECT_LT(line.first().first, line.last().first);
    EXPECT_NEAR(line.last().first, 1 / 40.0, 1e-9) << "one token after the first";
}

TEST_F(ThroughputTest, CountsTheTokensThatTheServerTells) {
    connectToServer();
    const auto told = [](int tokens, const QString& text) {
        const QJsonObject delta{{u"content"_s, text}};
        return FakeServer::event({{u"choices"_s, QJsonArray{QJsonObject{{u"delta"_s, delta}}}},
                                  {u"caldera"_s, QJsonObject{{u"generated_tokens"_s, tokens}}}});
    };
    QList<QByteArray> pieces{kStreamHead, FakeServer::token(u"One"_s)};
    for (int i = 1; i <= 40; ++i)
        pieces.append(told(1 + 8 * i, u" eight tokens in one event"_s));
    server_.setPace(20);
    server_.play(pieces + QList{FakeServer::end()});
    type(u"Hi"_s);
    ASSERT_TRUE(becomesIdle());
    EXPECT_EQ(view_->throughput()->tokens(), 1 + 8 * 40);
    ASSERT_GE(view_->throughput()->line().size(), 2);
    EXPECT_TRUE(view_->throughput()->plot()->exported(u"csv"_s).contains("this answer"));
    EXPECT_TRUE(view_->throughput()->plot()->exported(u"svg"_s).contains("<svg"));
}

TEST_F(ThroughputTest, ShowsWhatTheGpuDoes) {
    ThroughputPanel* panel = view_->throughput();
    const auto shows = [panel](const QString& text) {
        const auto labels = panel->findChildren<QLabel*>();
        return std::any_of(labels.begin(), labels.end(), [&](const QLabel* label) {
            return label->isVisibleTo(panel) && label->text().contains(text);
        });
    };
    EXPECT_FALSE(shows(u"GPU"_s));
    panel->setGpu(GpuFigures{0.93, 21LL << 30, 25LL << 30, 20LL << 30});
    EXPECT_TRUE(shows(u"93 %"_s));
    EXPECT_TRUE(shows(u"21.0 of 25.0 GiB"_s));
    panel->setGpu(GpuFigures{-1, 21LL << 30, 25LL << 30, 20LL << 30});
    EXPECT_FALSE(shows(u"93 %"_s)) << "a part of a GPU does not tell";
    connectToServer(); // another one, of which nothing is known
    EXPECT_FALSE(shows(u"GPU"_s));
}

TEST_F(ThroughputTest, AStoppedAnswerKeepsWhatWasMeasured) {
    connectToServer();
    server_.setPace(20);
    server_.play({kStreamHead, FakeServer::token(u"one"_s), FakeServer::token(u" two"_s),
                  FakeServer::token(u" three"_s)},
                 true);
    type(u"Hi"_s);
    ASSERT_TRUE(answerReaches(u"one two three"_s));
    view_->stop();
    EXPECT_EQ(last().statistics.generatedTokens, 3);
    EXPECT_GT(last().statistics.tokensPerSecond, 0);
    EXPECT_GT(last().statistics.timeToFirstToken, 0);
    EXPECT_LT(last().statistics.promptTokens, 0) << "only the server knows";
}

TEST(ThroughputPanel, WhatComesAfterTheLastTokenDoesNotSlowTheAnswer) {
    ThroughputPanel panel;
    panel.beginAnswer();
    panel.countToken();
    QTest::qSleep(20); // the time between the tokens
    panel.countToken();
    QTest::qSleep(200); // a server that is slow to say that this was all
    panel.endAnswer({});
    ASSERT_EQ(panel.line().size(), 2);
    EXPECT_DOUBLE_EQ(panel.line().last().second, panel.measured().tokensPerSecond);
}

} // namespace
} // namespace caldera::studio
