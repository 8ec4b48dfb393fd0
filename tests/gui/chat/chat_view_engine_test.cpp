// The chat view and its engine: starting, ending, other weights, blame.
#include <csignal>

#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QSignalSpy>

#include "tests/gui/chat/chat_view_fixture.h"
#include "widgets/chat/engine_process.h"
#include "widgets/chat/sweep_dialog.h"
#include "widgets/chat/throughput_panel.h"
#include "widgets/chat/transcript.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/notice_bar.h"
#include "widgets/support/plot.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr int kPatience = kChatPatience;

TEST_F(ChatViewTest, WaitsForTheEngineBeforeItAsks) {
    view_->openArtifact(u"/models/good-"_s + QString::number(server_.url().port()), u"Demo"_s);
    server_.play({kStreamHead, FakeServer::token(u"ready"_s), FakeServer::end()});
    type(u"Early"_s);
    EXPECT_TRUE(view_->isStreaming());
    ASSERT_TRUE(becomesIdle());
    EXPECT_EQ(last().text, u"ready"_s);
    EXPECT_EQ(view_->engine()->state(), EngineProcess::State::Ready);
}

TEST_F(ChatViewTest, ShowsWhyTheEngineFailedAndOffersRetry) {
    view_->openArtifact(u"/models/broken"_s, u"Broken"_s);
    type(u"Hello?"_s);
    ASSERT_TRUE(becomesIdle());
    const auto* banner = view_->findChild<ErrorBanner*>(u"chatBanner"_s);
    EXPECT_TRUE(banner->isVisible());
    EXPECT_TRUE(banner->sentence().contains("flipped byte"_L1));
    EXPECT_EQ(last().end, ChatEnd::Failed);
}

TEST_F(ChatViewTest, GoesOnAfterTheEngineWasKilled) {
    view_->openArtifact(u"/models/good-"_s + QString::number(server_.url().port()), u"Demo"_s);
    server_.play({kStreamHead, FakeServer::token(u"One, "_s)}, true);
    type(u"Count"_s);
    ASSERT_TRUE(answerReaches(u"One, "_s));
    const QString id = last().id;
    ::kill(static_cast<pid_t>(view_->engine()->processId()), SIGKILL);
    ASSERT_TRUE(becomesIdle());
    EXPECT_EQ(last().end, ChatEnd::Failed);
    EXPECT_EQ(last().text, u"One, "_s) << "what came is kept";
    EXPECT_TRUE(last().error.contains(u"memory"_s)) << last().error.toStdString();
    auto* banner = view_->findChild<ErrorBanner*>(u"chatBanner"_s);
    EXPECT_TRUE(banner->isVisible());
    for (QPushButton* button : banner->findChildren<QPushButton*>()) {
        if (button->text() == u"Retry"_s)
            button->click();
    }
    ASSERT_TRUE(QTest::qWaitFor(
        [this] { return view_->engine()->state() == EngineProcess::State::Ready; }, kPatience));
    EXPECT_FALSE(banner->isVisible());
    server_.play({kStreamHead, FakeServer::token(u"two"_s), FakeServer::end()});
    view_->continueAnswer(id);
    ASSERT_TRUE(becomesIdle());
    EXPECT_EQ(last().text, u"One, two"_s);
    EXPECT_EQ(last().end, ChatEnd::Complete);
    EXPECT_TRUE(last().error.isEmpty());
}

TEST_F(ChatViewTest, AMeasurementHasTheMachineForItself) {
    view_->openArtifact(u"/models/good-"_s + QString::number(server_.url().port()), u"Demo"_s);
    const EngineProcess& engine = *view_->engine();
    const auto isReady = [&] { return engine.state() == EngineProcess::State::Ready; };
    ASSERT_TRUE(QTest::qWaitFor(isReady, kPatience));
    Q_EMIT view_->throughput()->measureRequested();
    SweepDialog* dialog = nullptr;
    ASSERT_TRUE(QTest::qWaitFor(
        [&] { return (dialog = view_->findChild<SweepDialog*>()) != nullptr; }, kPatience));
    QSignalSpy ended(dialog, &SweepDialog::ended);
    dialog->measure();
    EXPECT_TRUE(dialog->isMeasuring());
    EXPECT_EQ(engine.state(), EngineProcess::State::Stopped);
    view_->hide();
    view_->show();
    EXPECT_EQ(engine.state(), EngineProcess::State::Stopped) << "whatever is looked at meanwhile";
    ASSERT_TRUE(ended.wait(kPatience));
    EXPECT_TRUE(QTest::qWaitFor(isReady, kPatience)) << "the chat goes on afterwards";
}

QList<QByteArray> document(const QJsonObject& json) {
    return {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" +
            QJsonDocument(json).toJson(QJsonDocument::Compact)};
}

TEST_F(ChatViewTest, PutsOriginalCellsBackAndUndoesIt) {
    view_->openArtifact(u"/models/good-"_s + QString::number(server_.url().port()), u"Demo"_s);
    server_.playOn("/caldera/v1/swaps", document({{u"cells"_s, QJsonArray{u"a"_s, u"b"_s}}}));
    server_.playOn("/caldera/v1/swaps/undo", document({{u"cells"_s, QJsonArray{}}}));
    view_->putBack({u"a"_s, u"b"_s}); // the engine is not ready yet
    NoticeBar* notice = view_->swapNotice();
    ASSERT_TRUE(QTest::qWaitFor([&] { return notice->isVisible(); }, kPatience));
    EXPECT_EQ(server_.requests().last(), (QJsonObject{{u"cells"_s, QJsonArray{u"a"_s, u"b"_s}},
                                                      {u"source"_s, u"original"_s}}));
    EXPECT_TRUE(notice->sentence().contains(u"2 cell"_s)) << notice->sentence().toStdString();
    for (QPushButton* button : notice->findChildren<QPushButton*>()) {
        if (button->text() == u"Undo"_s)
            button->click();
    }
    EXPECT_TRUE(QTest::qWaitFor([&] { return !notice->isVisible(); }, kPatience));
}

TEST_F(ChatViewTest, CellsOfOneModelAreNotPutBackInAnother) {
    const QString port = QString::number(server_.url().port());
    view_->openArtifact(u"/models/good-"_s + port, u"Demo"_s);
    server_.playOn("/caldera/v1/swaps", document({{u"cells"_s, QJsonArray{u"a"_s}}}));
    view_->putBack({u"a"_s}); // the engine is not ready yet
    view_->openArtifact(u"/models/../models/good-"_s + port, u"Other"_s);
    ASSERT_TRUE(QTest::qWaitFor(
        [this] { return view_->engine()->state() == EngineProcess::State::Ready; }, kPatience));
    QTest::qWait(200);
    EXPECT_FALSE(view_->swapNotice()->isVisible());
    for (const QJsonObject& request : server_.requests()) {
        EXPECT_FALSE(request.contains("cells"_L1)) << "it was for the first";
    }
}

TEST_F(ChatViewTest, SaysWhyCellsKeepTheirWeights) {
    view_->openArtifact(u"/models/good-"_s + QString::number(server_.url().port()), u"Demo"_s);
    server_.playOn("/caldera/v1/swaps",
                   {"HTTP/1.1 500 Internal\r\nConnection: close\r\n\r\n"
                    R"({"error":{"message":"There is no folder /gone. Fetch it."}})"});
    view_->putBack({u"a"_s});
    const auto* banner = view_->findChild<ErrorBanner*>(u"chatBanner"_s);
    ASSERT_TRUE(QTest::qWaitFor([&] { return banner->isVisible(); }, kPatience));
    EXPECT_TRUE(banner->sentence().contains(u"/gone"_s));
    EXPECT_FALSE(view_->swapNotice()->isVisible());
}

TEST_F(ChatViewTest, OffersTheProcessorWhereAGpuKeepsItsCells) {
    view_->openArtifact(u"/models/good-"_s + QString::number(server_.url().port()), u"Demo"_s);
    server_.playOn("/caldera/v1/swaps",
                   {"HTTP/1.1 500 Internal\r\nConnection: close\r\n\r\n"
                    R"({"error":{"message":"Only on a processor.","code":"engine.swap"}})"});
    view_->putBack({u"a"_s, u"b"_s});
    auto* banner = view_->findChild<ErrorBanner*>(u"chatBanner"_s);
    ASSERT_TRUE(QTest::qWaitFor([&] { return banner->isVisible(); }, kPatience));
    EXPECT_TRUE(banner->sentence().contains(u"GPU"_s));
    EXPECT_FALSE(view_->engine()->stage().contains(u"cpu"_s));

    server_.playOn("/caldera/v1/swaps", document({{u"cells"_s, QJsonArray{u"a"_s, u"b"_s}}}));
    for (QPushButton* button : banner->findChildren<QPushButton*>()) {
        if (button->text() == u"Answer on the processor"_s)
            button->click();
    }
    NoticeBar* notice = view_->swapNotice();
    ASSERT_TRUE(QTest::qWaitFor([&] { return notice->isVisible(); }, kPatience));
    EXPECT_FALSE(banner->isVisible());
    EXPECT_EQ(view_->engine()->stage(), u"map weights on cpu"_s);
    EXPECT_EQ(server_.requests().last()[u"cells"].toArray().size(), 2);

    for (QPushButton* button : notice->findChildren<QPushButton*>()) {
        if (button->text() == u"Undo"_s)
            button->click();
    }
    ASSERT_TRUE(QTest::qWaitFor([this] { return view_->engine()->stage() == u"map weights"_s; },
                                kPatience));
    EXPECT_TRUE(QTest::qWaitFor([&] { return !notice->isVisible(); }, kPatience));
}

TEST_F(ChatViewTest, OffersToBlameAWordOfAnAnswerOfTheOpenArtifact) {
    view_->openArtifact(u"/models/good-"_s + QString::number(server_.url().port()), u"Demo"_s);
    server_.play({kStreamHead, FakeServer::token(u"A **wrong** word"_s), FakeServer::end()});
    type(u"Hi"_s);
    ASSERT_TRUE(becomesIdle());
    QSignalSpy asked(view_.get(), &ChatView::blameRequested);
    QMenu menu;
    Q_EMIT view_->transcript()->textMenuRequested(&menu, last().id, 3);
    ASSERT_FALSE(menu.actions().isEmpty());
    EXPECT_TRUE(menu.actions().last()->text().contains(u"wrong"_s));
    menu.actions().last()->trigger();
    ASSERT_EQ(asked.count(), 1);
    const auto question = asked[0][0].value<BlameQuestion>();
    EXPECT_EQ(question.byte, 4);
    EXPECT_EQ(question.request[u"messages"].toArray().size(), 2);
    QMenu none;
    const QString own = view_->conversation().path().first().id;
    Q_EMIT view_->transcript()->textMenuRequested(&none, own, 0);
    EXPECT_TRUE(none.isEmpty()) << "a person's own words are not the model's";
    connectToServer();
    Q_EMIT view_->transcript()->textMenuRequested(&none, last().id, 3);
    EXPECT_TRUE(none.isEmpty()) << "the cells of a server elsewhere are not at hand";
}

TEST_F(ChatViewTest, AsksForAnArtifactWhenNoneIsOpen) {
    QSignalSpy asked(view_.get(), &ChatView::openArtifactRequested);
    type(u"Nobody hears this"_s);
    EXPECT_FALSE(view_->isStreaming());
    EXPECT_EQ(view_->composer()->field()->toPlainText(), u"Nobody hears this"_s);
    for (QPushButton* button : view_->findChildren<QPushButton*>()) {
        if (button->text() == u"Open an artifact"_s)
            button->click();
    }
    EXPECT_EQ(asked.count(), 1);
}

TEST_F(ChatViewTest, AnIdlePanelNamesTheUnitsOfWhatItWillShow) {
    QStringList shown;
    for (const QLabel* label : view_->throughput()->findChildren<QLabel*>())
        shown.append(label->text());
    EXPECT_EQ(shown.count(u"– ms"_s), 4) << "first token, p50, p95, p99";
    EXPECT_EQ(shown.count(u"– tok/s"_s), 2) << "prompt, what memory allows";
    EXPECT_EQ(shown.count(u"– MB"_s), 1) << "weights";
    EXPECT_EQ(shown.count(u"– MiB"_s), 1) << "cache";
    EXPECT_GE(shown.count(u"– %"_s), 1) << "of that reached";
}

TEST_F(ChatViewTest, TheLineOfAShortAnswerHasNumbersAlongItsSeconds) {
    ThroughputPanel& panel = *view_->throughput();
    panel.beginAnswer();
    panel.setTokens(29);
    ChatStatistics statistics;
    statistics.tokensPerSecond = 755; // over in 0.04 s
    panel.endAnswer(statistics);
    panel.plot()->replot();
    const QCPAxis& axis = *panel.plot()->xAxis;
    int numbers = 0;
    for (const double tick : axis.tickVector())
        numbers += axis.range().contains(tick) ? 1 : 0;
    EXPECT_GE(numbers, 2);
}

TEST_F(ChatViewTest, LeadsFromAModelThatIsNotCompressedToThePlan) {
    view_->closeArtifact(u"SmolLM2-135M"_s);
    QSignalSpy plan(view_.get(), &ChatView::planRequested);
    QSignalSpy open(view_.get(), &ChatView::openArtifactRequested);
    QStringList said;
    for (QLabel* label : view_->findChildren<QLabel*>())
        said.append(label->text());
    EXPECT_TRUE(said.join(u'\n').contains(u"SmolLM2-135M is not compressed yet"_s));
    for (QPushButton* button : view_->findChildren<QPushButton*>()) {
        if (button->text() == u"Go to Plan"_s)
            button->click();
    }
    EXPECT_EQ(plan.count(), 1);
    EXPECT_EQ(open.count(), 0);
}

TEST_F(ChatViewTest, SaysWhyAServerElsewhereIsNotReachedUntilItIs) {
    connectToServer();
    server_.play({kStreamHead, FakeServer::token(u"Hel"_s)}, true);
    type(u"Hi"_s);
    ASSERT_TRUE(answerReaches(u"Hel"_s));
    view_->loseServer(u"The connection is being restored."_s);
    EXPECT_FALSE(view_->isStreaming());
    EXPECT_EQ(last().error, u"The connection is being restored."_s);
    EXPECT_EQ(last().text, u"Hel"_s) << "what came is kept";
    type(u"Again"_s);
    EXPECT_FALSE(view_->isStreaming()) << "nobody would answer";
    connectToServer();
    server_.play({kStreamHead, FakeServer::token(u"Here"_s), FakeServer::end()});
    type(u"Again"_s);
    ASSERT_TRUE(becomesIdle());
    EXPECT_EQ(last().text, u"Here"_s);
}

} // namespace
} // namespace caldera::studio
