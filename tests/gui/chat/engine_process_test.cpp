#include "widgets/chat/engine_process.h"

#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
using State = EngineProcess::State;

constexpr int kPatience = 20000;

bool reaches(const EngineProcess& engine, State state) {
    return QTest::qWaitFor([&] { return engine.state() == state; }, kPatience);
}

TEST(EngineProcess, TellsWhereItListens) {
    EngineProcess engine(QStringLiteral(FAKE_WORKER));
    EXPECT_EQ(engine.state(), State::Stopped);
    engine.start(u"/models/good-4711"_s);
    EXPECT_EQ(engine.state(), State::Starting);
    ASSERT_TRUE(reaches(engine, State::Ready));
    EXPECT_EQ(engine.server(), QUrl(u"http://127.0.0.1:4711"_s));
    engine.stop();
    EXPECT_EQ(engine.state(), State::Stopped);
    EXPECT_TRUE(engine.server().isEmpty());
}

TEST(EngineProcess, HandsOverANewTokenAtEveryStart) {
    EngineProcess engine(QStringLiteral(FAKE_WORKER)); // which fails without one on its stdin
    engine.start(u"/models/good-1"_s);
    ASSERT_TRUE(reaches(engine, State::Ready));
    const QByteArray first = engine.token();
    EXPECT_EQ(first.size(), 64);
    engine.start(u"/models/good-2"_s);
    ASSERT_TRUE(reaches(engine, State::Ready));
    EXPECT_NE(engine.token(), first);
}

TEST(EngineProcess, ShowsHowFarTheStartIs) {
    EngineProcess engine(QStringLiteral(FAKE_WORKER));
    engine.start(u"/models/slow"_s);
    ASSERT_TRUE(QTest::qWaitFor([&] { return engine.fraction() > 0; }, kPatience));
    EXPECT_EQ(engine.state(), State::Starting);
    EXPECT_EQ(engine.stage(), u"map weights"_s);
    EXPECT_DOUBLE_EQ(engine.fraction(), 0.25);
}

TEST(EngineProcess, ShowsTheEnginesOwnSentence) {
    EngineProcess engine(QStringLiteral(FAKE_WORKER));
    engine.start(u"/models/broken"_s);
    ASSERT_TRUE(reaches(engine, State::Failed));
    EXPECT_EQ(engine.error(),
              u"The artifact has a flipped byte in tensor 3. Compress the model again."_s);
    EXPECT_TRUE(engine.messages().contains("loading"_L1));
}

TEST(EngineProcess, WhatDoesNotFitBeginsAllTheSameWhenAPersonInsists) {
    EngineProcess engine(QStringLiteral(FAKE_WORKER));
    engine.start(u"/models/tight-12"_s);
    ASSERT_TRUE(reaches(engine, State::Failed));
    EXPECT_TRUE(engine.doesNotFit());
    EXPECT_TRUE(engine.error().endsWith("choose a machine with more."_L1))
        << engine.error().toStdString();
    engine.start(u"/models/tight-12"_s, {true, {}});
    ASSERT_TRUE(reaches(engine, State::Ready));
    EXPECT_FALSE(engine.doesNotFit());
}

TEST(EngineProcess, SaysWhenTheSystemEndedIt) {
    EngineProcess engine(QStringLiteral(FAKE_WORKER));
    engine.start(u"/models/killed"_s);
    ASSERT_TRUE(reaches(engine, State::Failed));
    EXPECT_TRUE(engine.error().contains("memory"_L1)) << engine.error().toStdString();
}

TEST(EngineProcess, SaysWhenItCannotBeStarted) {
    EngineProcess engine(u"/no/such/program"_s);
    engine.start(u"/models/good-1"_s);
    ASSERT_TRUE(reaches(engine, State::Failed));
    EXPECT_TRUE(engine.error().contains("/no/such/program"_L1));
}

TEST(EngineProcess, SwitchesToAnotherArtifactAtOnce) {
    EngineProcess engine(QStringLiteral(FAKE_WORKER));
    engine.start(u"/models/slow"_s);
    engine.start(u"/models/good-2"_s);
    engine.start(u"/models/good-3"_s);
    ASSERT_TRUE(reaches(engine, State::Ready));
    EXPECT_EQ(engine.server().port(), 3);
    EXPECT_EQ(engine.artifact(), u"/models/good-3"_s);
}

} // namespace
} // namespace caldera::studio
