#include "widgets/chat/chat_view.h"

#include <QFile>
#include <QFileInfo>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include "tests/gui/chat/chat_view_fixture.h"
#include "tests/gui/chat/long_answer.h"
#include "tests/gui/chat/stored_conversations.h"
#include "widgets/chat/chat_settings.h"
#include "widgets/chat/composer.h"
#include "widgets/chat/conversation_list.h"
#include "widgets/chat/message_text.h"
#include "widgets/chat/message_widget.h"
#include "widgets/chat/transcript.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr int kPatience = kChatPatience;
/// Milliseconds: an answer laid out anew in one turn takes seconds; a machine may take the
/// processor away for a tenth of one.
constexpr double kLongestTurn = 500;

TEST_F(ChatViewTest, SendsAndStreamsAnAnswer) {
    connectToServer();
    server_.play({kStreamHead, FakeServer::token(u"Hello "_s), FakeServer::token(u"**you**"_s),
                  FakeServer::end(u"stop"_s, {{u"tokens_per_second"_s, 40.0}})});
    type(u"Hi"_s);
    EXPECT_TRUE(view_->isStreaming());
    EXPECT_TRUE(view_->composer()->field()->toPlainText().isEmpty());
    ASSERT_TRUE(becomesIdle());
    EXPECT_EQ(last().text, u"Hello **you**"_s);
    EXPECT_EQ(last().end, ChatEnd::Complete);
    EXPECT_EQ(view_->transcript()->messageCount(), 2);
    const MessageWidget* widget = view_->transcript()->widgetOf(last().id);
    EXPECT_EQ(widget->text()->toPlainText(), u"Hello you"_s);
    EXPECT_EQ(view_->list()->model()->rowCount(), 1);
    EXPECT_EQ(view_->list()->model()->index(0).data().toString(), u"Hi"_s);
}

TEST_F(ChatViewTest, SaysThatItsServerIsUsedWithEveryPartOfAnAnswer) {
    connectToServer();
    QSignalSpy used(view_.get(), &ChatView::serverUsed);
    server_.play({kStreamHead, FakeServer::token(u"a"_s), FakeServer::token(u"b"_s),
                  FakeServer::token(u"c"_s), FakeServer::end()});
    type(u"Hi"_s);
    ASSERT_TRUE(becomesIdle());
    EXPECT_EQ(used.count(), 4) << "the question, and each word";
    EXPECT_EQ(used.last().first().toUrl(), server_.url());
}

TEST_F(ChatViewTest, AsksWithTheSamplingThatWasSet) {
    connectToServer();
    ChatSampling likeliest;
    likeliest.temperature = 0;
    view_->setSampling(likeliest);
    EXPECT_EQ(view_->composer()->settings()->sampling(), likeliest);
    server_.play({kStreamHead, FakeServer::token(u"Hello"_s), FakeServer::end(u"stop"_s, {})});
    type(u"Hi"_s);
    ASSERT_TRUE(becomesIdle());
    EXPECT_EQ(server_.requests().last().value(u"temperature").toDouble(-1), 0);
}

TEST_F(ChatViewTest, ShiftEnterBreaksTheLine) {
    connectToServer();
    QPlainTextEdit* field = view_->composer()->field();
    QTest::keyClicks(field, u"one"_s);
    QTest::keyClick(field, Qt::Key_Return, Qt::ShiftModifier);
    QTest::keyClicks(field, u"two"_s);
    EXPECT_EQ(field->toPlainText(), u"one\ntwo"_s);
    EXPECT_TRUE(server_.requests().isEmpty());
}

TEST_F(ChatViewTest, EscStopsAndKeepsWhatCame) {
    connectToServer();
    server_.play({kStreamHead, FakeServer::token(u"partial"_s)}, true);
    type(u"Hi"_s);
    ASSERT_TRUE(answerReaches(u"partial"_s));
    QTest::keyClick(view_->composer()->field(), Qt::Key_Escape);
    EXPECT_FALSE(view_->isStreaming());
    EXPECT_EQ(last().end, ChatEnd::Stopped);
    EXPECT_EQ(last().text, u"partial"_s);
    EXPECT_TRUE(QTest::qWaitFor([this] { return server_.clientsGone() >= 1; }, kPatience));
}

TEST_F(ChatViewTest, GoesOnWithAnAnswerThatBrokeOff) {
    connectToServer();
    server_.play(
        {kStreamHead, FakeServer::token(u"One, "_s),
         FakeServer::end(u"length"_s, {{u"prompt_tokens"_s, 12}, {u"generated_tokens"_s, 2}})});
    type(u"Count"_s);
    ASSERT_TRUE(becomesIdle());
    const QString id = last().id;
    ASSERT_EQ(last().end, ChatEnd::Length);
    server_.play(
        {kStreamHead, FakeServer::token(u"**two**"_s),
         FakeServer::end(u"stop"_s, {{u"prompt_tokens"_s, 14}, {u"generated_tokens"_s, 1}})});
    view_->continueAnswer(id);
    EXPECT_TRUE(view_->isStreaming());
    ASSERT_TRUE(becomesIdle());
    EXPECT_EQ(last().id, id) << "the same answer";
    EXPECT_EQ(last().text, u"One, **two**"_s);
    EXPECT_EQ(last().statistics.promptTokens, 12);
    EXPECT_EQ(last().statistics.generatedTokens, 3);
    EXPECT_EQ(view_->transcript()->widgetOf(id)->text()->toPlainText(), u"One, two"_s);
    const QJsonObject request = server_.requests().last();
    EXPECT_TRUE(request["continue_final_message"_L1].toBool());
    EXPECT_EQ(request["messages"_L1].toArray().last().toObject()["content"_L1].toString(),
              u"One, "_s);
    view_->continueAnswer(id); // it is whole now
    EXPECT_FALSE(view_->isStreaming());
}

TEST_F(ChatViewTest, WarnsBeforeTheContextOverflows) {
    connectToServer(); // which has 4096 tokens
    server_.play(
        {kStreamHead, FakeServer::token(u"Hello"_s),
         FakeServer::end(u"stop"_s, {{u"prompt_tokens"_s, 3700}, {u"generated_tokens"_s, 100}})});
    type(u"Hi"_s);
    ASSERT_TRUE(becomesIdle());
    const auto says = [this](const QString& text) {
        const auto labels = view_->composer()->findChildren<QLabel*>();
        return std::any_of(labels.begin(), labels.end(), [&](const QLabel* label) {
            return label->isVisible() && label->text().contains(text);
        });
    };
    EXPECT_TRUE(QTest::qWaitFor([&] { return says(u"a long answer will be cut"_s); }, kPatience));
    view_->composer()->field()->setPlainText(QString(1200, u'x'));
    EXPECT_TRUE(says(u"fills the context"_s));
    view_->composer()->field()->clear();
    view_->editMessage(view_->conversation().path().first().id);
    EXPECT_FALSE(says(u"will be cut"_s)) << "the edited question begins another branch";
    QTest::keyClick(view_->composer()->field(), Qt::Key_Escape);
    EXPECT_TRUE(says(u"will be cut"_s));
    view_->newConversation();
    view_->composer()->field()->clear();
    EXPECT_TRUE(says(u"Enter sends"_s));
}

TEST_F(ChatViewTest, AnswersAgainAndKeepsTheFirstVersion) {
    connectToServer();
    server_.play({kStreamHead, FakeServer::token(u"one"_s), FakeServer::end()});
    type(u"Hi"_s);
    ASSERT_TRUE(becomesIdle());
    const QString first = last().id;
    server_.play({kStreamHead, FakeServer::token(u"two"_s), FakeServer::end()});
    view_->regenerate(first);
    ASSERT_TRUE(becomesIdle());
    EXPECT_EQ(last().text, u"two"_s);
    EXPECT_EQ(view_->conversation().siblings(first).size(), 2);
    EXPECT_EQ(view_->transcript()->messageCount(), 2);
    const QJsonArray messages = server_.requests().last()["messages"_L1].toArray();
    EXPECT_EQ(messages.size(), 1) << "the first answer is no part of the second request";
    Q_EMIT view_->transcript()->versionRequested(first);
    EXPECT_EQ(last().text, u"one"_s);
}

TEST_F(ChatViewTest, EditsAnEarlierMessageAndKeepsTheBranch) {
    connectToServer();
    server_.play({kStreamHead, FakeServer::token(u"one"_s), FakeServer::end()});
    type(u"First"_s);
    ASSERT_TRUE(becomesIdle());
    const QString question = view_->conversation().path().first().id;
    view_->composer()->field()->setPlainText(u"a draft"_s);
    view_->editMessage(question);
    EXPECT_EQ(view_->composer()->field()->toPlainText(), u"First"_s);
    QTest::keyClick(view_->composer()->field(), Qt::Key_Escape);
    EXPECT_EQ(view_->composer()->field()->toPlainText(), u"a draft"_s);
    view_->editMessage(question);
    type(u"Better"_s);
    ASSERT_TRUE(becomesIdle());
    EXPECT_EQ(view_->conversation().path().first().text, u"Better"_s);
    EXPECT_EQ(view_->conversation().siblings(question).size(), 2);
    EXPECT_EQ(view_->composer()->field()->toPlainText(), u"a draft"_s);
}

TEST_F(ChatViewTest, ShowsAFailureAtTheMessage) {
    connectToServer();
    server_.play({kStreamHead, FakeServer::token(u"half"_s)});
    type(u"Hi"_s);
    ASSERT_TRUE(becomesIdle());
    EXPECT_EQ(last().end, ChatEnd::Failed);
    EXPECT_EQ(last().text, u"half"_s);
    EXPECT_TRUE(last().error.contains("in the middle"_L1));
}

TEST_F(ChatViewTest, FindsConversationsAfterARestart) {
    connectToServer();
    server_.play({kStreamHead, FakeServer::token(u"kept"_s)}, true);
    type(u"Remember me"_s);
    ASSERT_TRUE(answerReaches(u"kept"_s));
    const QString id = view_->conversation().id;
    open(); // the studio is closed in the middle of an answer
    ASSERT_TRUE(
        QTest::qWaitFor([this] { return view_->list()->model()->rowCount() == 1; }, kPatience));
    view_->openConversation(id);
    EXPECT_EQ(view_->conversation().path().first().text, u"Remember me"_s);
    EXPECT_EQ(last().text, u"kept"_s);
    EXPECT_EQ(last().end, ChatEnd::Stopped);
}

TEST_F(ChatViewTest, AnAnswerIsOnDiskWhileItStillComes) {
    connectToServer();
    server_.play({kStreamHead, FakeServer::end()});
    type(u"First"_s);
    ASSERT_TRUE(becomesIdle());
    QList<QByteArray> pieces = longAnswer(1500);
    pieces.removeLast();
    server_.setPace(1);
    server_.play(pieces, true);
    type(u"Second"_s);
    const QString id = view_->conversation().id;
    const QString name = folder_.filePath(id);
    ASSERT_TRUE(QTest::qWaitFor([&] { return QFile::exists(name + u".answer"_s); }, kPatience));
    const QDateTime written = QFileInfo(name + u".json"_s).lastModified();

    // What a kill -9 would leave, sooner or later: all that came.
    const auto isKept = [&] {
        const QTemporaryDir killed;
        for (const QString& suffix : {u".json"_s, u".answer"_s})
            QFile::copy(name + suffix, killed.filePath(id + suffix));
        const QList<Conversation> all = storedConversations(killed.path());
        return all.size() == 1 && all[0].path().last().text == last().text;
    };
    ASSERT_TRUE(QTest::qWaitFor([&] { return last().text.contains(u"word1499"_s); }, kPatience));
    EXPECT_TRUE(QTest::qWaitFor(isKept, kPatience));
    EXPECT_EQ(QFileInfo(name + u".json"_s).lastModified(), written) << "it is not written again";
    view_->stop();
    EXPECT_TRUE(QTest::qWaitFor([&] { return !QFile::exists(name + u".answer"_s); }, kPatience))
        << "the conversation holds it now";
}

TEST_F(ChatViewTest, KeepsStreamingIntoAConversationThatIsNotOnScreen) {
    connectToServer();
    server_.play({kStreamHead, FakeServer::token(u"one "_s)}, true);
    type(u"First"_s);
    ASSERT_TRUE(answerReaches(u"one "_s));
    const QString first = view_->conversation().id;
    view_->newConversation();
    EXPECT_TRUE(view_->isStreaming());
    EXPECT_EQ(view_->transcript()->messageCount(), 0);
    view_->openConversation(first);
    EXPECT_EQ(last().text, u"one "_s);
    EXPECT_EQ(view_->transcript()->messageCount(), 2);
    view_->stop();
}

TEST_F(ChatViewTest, OpensAFoundConversationWhereTheTextIs) {
    Conversation conversation = Conversation::create();
    QStringList ids;
    for (int i = 0; i < 10000; ++i)
        ids.append(conversation.add(conversation.leaf(),
                                    i % 2 == 0 ? ChatRole::User : ChatRole::Assistant,
                                    u"Message %1 of many"_s.arg(i)));
    Q_EMIT view_->list()->restoreRequested(conversation);
    view_->newConversation();
    view_->list()->search()->setText(u"message 4711 "_s);
    const ConversationModel* model = view_->list()->model();
    ASSERT_TRUE(
        QTest::qWaitFor([&] { return model->isFiltered() && model->rowCount() == 1; }, kPatience));
    view_->openConversation(conversation.id);
    ASSERT_TRUE(
        QTest::qWaitFor([this] { return view_->transcript()->isFullyRendered(); }, kPatience));
    const MessageWidget* found = view_->transcript()->widgetOf(ids[4711]);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->y(), 0) << "at the top of the view";
    view_->list()->search()->clear();
    EXPECT_EQ(model->rowCount(), 1);
    EXPECT_FALSE(model->isFiltered());
}

TEST_F(ChatViewTest, DeletesAndTakesItBack) {
    connectToServer();
    server_.play({kStreamHead, FakeServer::end()});
    type(u"Precious"_s);
    ASSERT_TRUE(becomesIdle());
    const Conversation kept = view_->conversation();
    Q_EMIT view_->list()->deleteRequested(kept.id);
    EXPECT_EQ(view_->list()->model()->rowCount(), 0);
    EXPECT_TRUE(view_->conversation().isEmpty());
    Q_EMIT view_->list()->restoreRequested(kept);
    EXPECT_EQ(view_->conversation().id, kept.id);
    EXPECT_EQ(view_->list()->model()->rowCount(), 1);
}

TEST_F(ChatViewTest, StaysResponsiveDuringALongAnswer) {
    connectToServer();
    server_.play(longAnswer(2000));
    QTest::qWait(50);
    const TurnWatch watch;
    type(u"Tell me everything"_s);
    ASSERT_TRUE(QTest::qWaitFor([this] { return !view_->isStreaming(); }, 200000));
    ASSERT_TRUE(
        QTest::qWaitFor([this] { return view_->transcript()->isFullyRendered(); }, kPatience));
    EXPECT_LT(watch.longestMilliseconds(), kLongestTurn);
    RecordProperty("longest_turn_ms", std::to_string(watch.longestMilliseconds()));
    EXPECT_TRUE(view_->transcript()->isAtEnd());
}

TEST_F(ChatViewTest, OpensALongConversationInSlices) {
    Conversation conversation = Conversation::create();
    QString text;
    for (int i = 0; i < 60; ++i)
        text += u"Paragraph %1 with **bold** and `code`.\n\n```\ncode %1\n```\n\n"_s.arg(i);
    for (int i = 0; i < 12; ++i) {
        const QString question =
            conversation.add(conversation.leaf(), ChatRole::User, u"Question"_s);
        conversation.add(question, ChatRole::Assistant, text);
    }
    const TurnWatch watch;
    Q_EMIT view_->list()->restoreRequested(conversation);
    ASSERT_TRUE(QTest::qWaitFor([this] { return view_->transcript()->isFullyRendered(); }, 60000));
    EXPECT_LT(watch.longestMilliseconds(), kLongestTurn);
    EXPECT_TRUE(view_->transcript()->isAtEnd());
}

TEST_F(ChatViewTest, DoesNotScrollAReaderWhoHasScrolledUp) {
    connectToServer();
    QList<QByteArray> pieces = longAnswer(600);
    pieces.removeLast();
    server_.play(pieces, true);
    type(u"Long"_s);
    QScrollBar* bar = view_->transcript()->verticalScrollBar();
    ASSERT_TRUE(QTest::qWaitFor([bar] { return bar->maximum() > 600; }, kPatience));
    bar->setValue(10);
    EXPECT_FALSE(view_->transcript()->isAtEnd());
    const int before = bar->maximum();
    ASSERT_TRUE(QTest::qWaitFor([&] { return bar->maximum() > before + 200; }, kPatience));
    EXPECT_EQ(bar->value(), 10);
    view_->stop();
}

} // namespace
} // namespace caldera::studio
