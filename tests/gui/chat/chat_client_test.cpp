#include "widgets/chat/chat_client.h"

#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

#include "tests/gui/chat/fake_server.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;

constexpr int kPatience = 10000;

class ChatClientTest : public ::testing::Test {
protected:
    ChatClientTest()
        : finished_(&client_, &ChatClient::finished), failed_(&client_, &ChatClient::failed) {
        QObject::connect(&client_, &ChatClient::delta, &client_,
                         [this](const QString& text) { text_ += text; });
    }
    void ask() {
        ChatRequest request;
        request.model = u"fake"_s;
        request.systemPrompt = u"Be brief."_s;
        ChatMessage question;
        question.text = u"Hello"_s;
        request.messages = {question};
        client_.send(server_.url(), request);
    }
    bool ends() {
        return QTest::qWaitFor([this] { return finished_.count() + failed_.count() > 0; },
                               kPatience);
    }
    QString failure() { return failed_.isEmpty() ? QString() : failed_[0][0].toString(); }

    FakeServer server_;
    ChatClient client_;
    QSignalSpy finished_;
    QSignalSpy failed_;
    QString text_;
};

TEST_F(ChatClientTest, StreamsAnAnswerThatIsCutByteByByte) {
    const QByteArray body = FakeServer::token(u"naïve "_s) + ": keep-alive\n\n" +
                            FakeServer::token(u"日本語 🙂"_s) +
                            FakeServer::end(u"stop"_s, {{u"generated_tokens"_s, 5},
                                                        {u"tokens_per_second"_s, 41.5},
                                                        {u"p99"_s, 0.031}});
    QList<QByteArray> pieces{kStreamHead};
    for (const char byte : body)
        pieces.append(QByteArray(1, byte));
    server_.play(pieces);
    ask();
    ASSERT_TRUE(ends());
    EXPECT_TRUE(failure().isEmpty()) << failure().toStdString();
    EXPECT_EQ(text_, u"naïve 日本語 🙂"_s);
    ASSERT_EQ(finished_.count(), 1);
    EXPECT_EQ(finished_[0][0].value<ChatEnd>(), ChatEnd::Complete);
    const auto known = finished_[0][1].value<ChatStatistics>();
    EXPECT_EQ(known.generatedTokens, 5);
    EXPECT_DOUBLE_EQ(known.tokensPerSecond, 41.5);
    EXPECT_DOUBLE_EQ(known.p99, 0.031);
    EXPECT_LT(known.p50, 0);
}

TEST_F(ChatClientTest, SendsTheConversationAndTheSampling) {
    server_.play({kStreamHead, FakeServer::end()});
    ask();
    ASSERT_TRUE(ends());
    ASSERT_EQ(server_.requests().size(), 1);
    const QJsonObject request = server_.requests()[0];
    EXPECT_TRUE(request["stream"_L1].toBool());
    const QJsonArray messages = request["messages"_L1].toArray();
    ASSERT_EQ(messages.size(), 2);
    EXPECT_EQ(messages[0].toObject()["role"_L1].toString(), u"system"_s);
    EXPECT_EQ(messages[1].toObject()["content"_L1].toString(), u"Hello"_s);
    EXPECT_FALSE(request.contains("top_k"_L1));
}

TEST_F(ChatClientTest, BearsTheTokenOfItsServer) {
    server_.play({kStreamHead, FakeServer::end()});
    ask();
    ASSERT_TRUE(ends());
    EXPECT_FALSE(server_.lastHead().contains("Authorization"));
    client_.setToken("a secret");
    ask();
    ASSERT_TRUE(QTest::qWaitFor([this] { return finished_.count() == 2; }, 5000));
    EXPECT_TRUE(server_.lastHead().contains("\r\nAuthorization: Bearer a secret\r\n"));
    QSignalSpy described(&client_, &ChatClient::described);
    client_.describe(server_.url());
    ASSERT_TRUE(described.wait());
    EXPECT_TRUE(server_.lastHead().contains("\r\nAuthorization: Bearer a secret"));
}

TEST_F(ChatClientTest, SaysWhenTheLimitEndedTheAnswer) {
    server_.play({kStreamHead, FakeServer::token(u"a"_s), FakeServer::end(u"length"_s)});
    ask();
    ASSERT_TRUE(ends());
    ASSERT_EQ(finished_.count(), 1);
    EXPECT_EQ(finished_[0][0].value<ChatEnd>(), ChatEnd::Length);
}

TEST_F(ChatClientTest, ShowsTheSentenceOfAnErrorObject) {
    const QByteArray body = R"({"error":{"message":"The context is full.","type":"x"}})";
    server_.play({"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
                  "Content-Length: " +
                      QByteArray::number(body.size()) + "\r\n\r\n",
                  body.left(20), body.mid(20)});
    ask();
    ASSERT_TRUE(ends());
    EXPECT_EQ(failure(), u"The context is full."_s);
}

TEST_F(ChatClientTest, ShowsAnErrorThatComesInTheMiddle) {
    server_.play({kStreamHead, FakeServer::token(u"half"_s),
                  "data: {\"error\":{\"message\":\"The engine stopped.\"}}\n\n",
                  FakeServer::token(u"never"_s)});
    ask();
    ASSERT_TRUE(ends());
    EXPECT_EQ(failure(), u"The engine stopped."_s);
    EXPECT_EQ(text_, u"half"_s);
}

TEST_F(ChatClientTest, SaysWhenTheConnectionEndsInTheMiddle) {
    server_.play({kStreamHead, FakeServer::token(u"half"_s)});
    ask();
    ASSERT_TRUE(ends());
    EXPECT_TRUE(failure().contains("in the middle of the answer"_L1)) << failure().toStdString();
    EXPECT_EQ(text_, u"half"_s);
}

TEST_F(ChatClientTest, QuotesGarbage) {
    server_.play({kStreamHead, "data: <html>oops</html>\n\n"});
    ask();
    ASSERT_TRUE(ends());
    EXPECT_TRUE(failure().contains("<html>oops</html>"_L1)) << failure().toStdString();
}

TEST_F(ChatClientTest, RefusesAPageInsteadOfAStream) {
    server_.play(
        {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n", "hello"});
    ask();
    ASSERT_TRUE(ends());
    EXPECT_TRUE(failure().contains("hello"_L1)) << failure().toStdString();
}

TEST_F(ChatClientTest, SaysWhenNobodyListens) {
    QUrl nowhere = server_.url();
    nowhere.setPort(1);
    client_.send(nowhere, {});
    ASSERT_TRUE(ends());
    EXPECT_TRUE(failure().contains("does not answer"_L1)) << failure().toStdString();
}

TEST_F(ChatClientTest, CancelClosesTheConnectionAndSaysNothingMore) {
    server_.play({kStreamHead, FakeServer::token(u"one"_s)}, true);
    ask();
    ASSERT_TRUE(QTest::qWaitFor([this] { return !text_.isEmpty(); }, kPatience));
    client_.cancel();
    EXPECT_FALSE(client_.busy());
    ASSERT_TRUE(QTest::qWaitFor([this] { return server_.clientsGone() == 1; }, kPatience));
    EXPECT_EQ(finished_.count() + failed_.count(), 0);
}

TEST_F(ChatClientTest, ASecondRequestReplacesTheFirst) {
    server_.play({kStreamHead, FakeServer::token(u"one"_s)}, true);
    ask();
    ASSERT_TRUE(QTest::qWaitFor([this] { return !text_.isEmpty(); }, kPatience));
    text_.clear();
    server_.play({kStreamHead, FakeServer::token(u"two"_s), FakeServer::end()});
    ask();
    ASSERT_TRUE(ends());
    EXPECT_EQ(text_, u"two"_s);
}

TEST_F(ChatClientTest, WhatIsTakenBackBeforeItIsWrittenDownIsNeverSent) {
    server_.play({kStreamHead, FakeServer::token(u"two"_s), FakeServer::end()});
    ask();
    EXPECT_TRUE(client_.busy());
    client_.cancel();
    EXPECT_FALSE(client_.busy());
    ChatRequest second;
    second.systemPrompt = u"Be second."_s;
    client_.send(server_.url(), ChatRequest());
    client_.send(server_.url(), second);
    ASSERT_TRUE(ends());
    EXPECT_EQ(text_, u"two"_s);
    ASSERT_EQ(server_.requests().size(), 1);
    EXPECT_EQ(server_.requests()[0]["messages"_L1][0]["content"_L1].toString(), u"Be second."_s);
}

TEST_F(ChatClientTest, AsksWhatIsServed) {
    QSignalSpy described(&client_, &ChatClient::described);
    client_.describe(server_.url());
    ASSERT_TRUE(described.wait(kPatience));
    EXPECT_EQ(described[0][0].toString(), u"fake"_s);
    EXPECT_EQ(described[0][1].toInt(), 4096);
}

} // namespace
} // namespace caldera::studio
