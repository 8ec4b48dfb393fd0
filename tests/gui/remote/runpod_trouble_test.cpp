// Everything that a provider's API does to its clients.
#include <QElapsedTimer>
#include <QTcpServer>
#include <QTcpSocket>
#include <QTimer>

#include "tests/gui/remote/runpod_fixture.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

using caldera::test::Trouble;

class RunpodTroubleTest : public RunpodTest {
protected:
    /// The error of a look at all pods while `status` is answered for good.
    Error errorAt(int status, std::map<std::string, std::string> headers = {}) {
        server_.cause({.verb = "GET",
                       .path = "/v2/pods",
                       .times = 99,
                       .status = status,
                       .headers = std::move(headers)});
        return errorOf(provider_.pods());
    }
};

TEST_F(RunpodTroubleTest, EachRefusalHasItsSentenceAndIsAskedOnce) {
    const std::vector<std::pair<int, std::string>> refusals{
        {400, "pod.request"},       {401, "pod.key-refused"}, {402, "pod.no-credit"},
        {403, "pod.not-permitted"}, {404, "pod.gone"},        {409, "pod.conflict"},
        {418, "pod.answer"},        {422, "pod.request"},     {307, "pod.answer"}};
    int asked = 0;
    for (const auto& [status, code] : refusals) {
        server_.cause({.verb = "GET", .path = "/v2/pods", .status = status});
        const Error error = errorOf(provider_.pods());
        EXPECT_EQ(error.code(), code) << status;
        EXPECT_EQ(server_.count("GET /v2/pods"), ++asked) << status;
    }
}

TEST_F(RunpodTroubleTest, AWrongKeyIsNamedAndNeverShown) {
    RunpodProvider other(u"rpa_some_other_key"_s, url(), shortPatience());
    const Error error = errorOf(other.pods());
    EXPECT_EQ(error.code(), "pod.key-refused");
    EXPECT_EQ(std::string(error.what()).find("rpa_some_other_key"), std::string::npos);
}

TEST_F(RunpodTroubleTest, AServerThatRepeatsTheKeyDoesNotBringItIntoASentence) {
    server_.cause({.verb = "GET",
                   .path = "/v2/pods",
                   .status = 403,
                   .body = R"({"detail":"key )" + server_.key() + R"( may not"})"});
    const Error error = errorOf(provider_.pods());
    EXPECT_EQ(std::string(error.what()).find(server_.key()), std::string::npos) << error.what();
}

TEST_F(RunpodTroubleTest, ATextThatIsNoKeyIsNotSent) {
    EXPECT_THROW(RunpodProvider(u"with\r\nHost: elsewhere"_s, url()), Error);
}

TEST_F(RunpodTroubleTest, ServerErrorsAreTriedAgain) {
    server_.cause({.verb = "GET", .path = "/v2/pods", .times = 3, .status = 503});
    EXPECT_TRUE(resultOf(provider_.pods()).isEmpty());
    EXPECT_EQ(server_.count("GET /v2/pods"), 4);
    EXPECT_EQ(errorAt(500).code(), "pod.down");
    EXPECT_EQ(server_.count("GET /v2/pods"), 8);
}

TEST_F(RunpodTroubleTest, RetryAfterIsHonoured) {
    server_.cause(
        {.verb = "GET", .path = "/v2/pods", .status = 429, .headers = {{"Retry-After", "1"}}});
    QElapsedTimer timer;
    timer.start();
    resultOf(provider_.pods());
    EXPECT_GE(timer.elapsed(), 1000);
}

TEST_F(RunpodTroubleTest, ALongRetryAfterIsTheUsersDecision) {
    const Error error = errorAt(429, {{"Retry-After", "86400"}});
    EXPECT_EQ(error.code(), "pod.busy");
    EXPECT_EQ(server_.count("GET /v2/pods"), 1);
}

TEST_F(RunpodTroubleTest, MalformedAnswersAreNamed) {
    for (const char* body : {"<html>login</html>", "[1,2]", "{\"pods\":", "{\"pods\":7}", "{}",
                             R"({"pods":[{"id":7,"name":"caldera-x"}]})",
                             R"({"pods":[{"id":"a","name":"caldera-x"}]})"}) {
        server_.cause({.verb = "GET", .path = "/v2/pods", .times = 4, .status = 200, .body = body});
        EXPECT_EQ(errorOf(provider_.pods()).code(), "pod.answer") << body;
        while (server_.count("GET /v2/pods") % 4 != 0) // use the trouble up
            (void)errorOf(provider_.pods());
    }
}

TEST_F(RunpodTroubleTest, AStrangersPodThatCannotBeReadHidesNoneOfOurs) {
    server_.cause({.verb = "GET",
                   .path = "/v2/pods",
                   .status = 200,
                   .body = R"({"pods":[7,{"id":"a"},{"id":"b","name":"mine","status":9},)"
                           R"({"id":"c","name":"caldera-x","status":"NEW"}]})"});
    const QList<Pod> pods = resultOf(provider_.pods());
    ASSERT_EQ(pods.size(), 1);
    EXPECT_EQ(pods[0].status, PodStatus::Unknown);
    EXPECT_TRUE(pods[0].costs()) << "until the contrary is told";
}

TEST_F(RunpodTroubleTest, AnAddressThatIsNoneNeverReachesSsh) {
    const auto answerWith = [this](const std::string& host, int port, const std::string& user) {
        server_.setSsh(host, port, user);
        const std::string id = server_.addPod("caldera-x");
        server_.setStatus(id, "RUNNING");
        return errorOf(provider_.pod(QString::fromStdString(id))).code();
    };
    EXPECT_EQ(answerWith("-oProxyCommand=touch x", 22, "root"), "pod.answer");
    EXPECT_EQ(answerWith("host", 22, "-l root"), "pod.answer");
    EXPECT_EQ(answerWith("host", 70000, "root"), "pod.answer");
    EXPECT_EQ(answerWith("host", 22, "root"), "");
}

TEST_F(RunpodTroubleTest, HugeAnswersAreCutOff) {
    server_.cause({.verb = "GET",
                   .path = "/v2/pods",
                   .status = 200,
                   .body = "{\"pods\":[\"" + std::string(9 << 20, 'x') + "\"]}"});
    RunpodPatience patient = shortPatience();
    patient.answer = std::chrono::minutes(1); // on a busy machine so much takes long
    RunpodProvider provider(key(), url(), patient);
    const Error error = errorOf(provider.pods());
    EXPECT_EQ(error.code(), "pod.answer");
    EXPECT_NE(std::string(error.what()).find("8 MiB"), std::string::npos) << error.what();
}

TEST_F(RunpodTroubleTest, AnAnswerThatBreaksOffIsAskedForAgain) {
    server_.cause({.verb = "GET", .path = "/v2/pods", .dropAnswer = true});
    EXPECT_TRUE(resultOf(provider_.pods()).isEmpty());
    EXPECT_EQ(server_.count("GET /v2/pods"), 2);
}

TEST_F(RunpodTroubleTest, SilenceEndsInASentence) {
    RunpodPatience patience = shortPatience();
    patience.attempts = 2;
    patience.answer = std::chrono::milliseconds(100);
    QTcpServer silent; // takes connections and says nothing
    ASSERT_TRUE(silent.listen(QHostAddress::LocalHost));
    const QUrl address(u"http://127.0.0.1:%1/v2"_s.arg(silent.serverPort()));
    RunpodProvider other(key(), address, patience);
    EXPECT_EQ(errorOf(other.pods()).code(), "pod.unreachable");
}

TEST_F(RunpodTroubleTest, AByteNowAndThenIsNoAnswer) {
    RunpodPatience patience = shortPatience();
    patience.attempts = 1;
    patience.answer = std::chrono::milliseconds(500);
    QTcpServer slow;
    ASSERT_TRUE(slow.listen(QHostAddress::LocalHost));
    QObject::connect(&slow, &QTcpServer::newConnection, &slow, [&] {
        QTcpSocket* socket = slow.nextPendingConnection();
        socket->write("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n");
        auto* drip = new QTimer(socket);
        QObject::connect(drip, &QTimer::timeout, socket, [socket] { socket->write(" "); });
        drip->start(50);
    });
    const QUrl address(u"http://127.0.0.1:%1/v2"_s.arg(slow.serverPort()));
    RunpodProvider other(key(), address, patience);
    EXPECT_EQ(errorOf(other.pods()).code(), "pod.unreachable");
}

TEST_F(RunpodTroubleTest, AClosedPortIsUnreachable) {
    QTcpServer closed;
    ASSERT_TRUE(closed.listen(QHostAddress::LocalHost));
    const QUrl address(u"http://127.0.0.1:%1/v2"_s.arg(closed.serverPort()));
    closed.close();
    RunpodProvider other(key(), address, shortPatience());
    EXPECT_EQ(errorOf(other.pods()).code(), "pod.unreachable");
}

TEST_F(RunpodTroubleTest, AServerWithoutACertificateGetsNoKey) {
    QTcpServer plain; // answers a TLS greeting with something else
    ASSERT_TRUE(plain.listen(QHostAddress::LocalHost));
    QByteArray heard;
    QObject::connect(&plain, &QTcpServer::newConnection, &plain, [&] {
        QTcpSocket* socket = plain.nextPendingConnection();
        QObject::connect(socket, &QTcpSocket::readyRead, socket, [socket, &heard] {
            heard += socket->readAll();
            socket->write("HTTP/1.1 400 Bad Request\r\n\r\n");
        });
    });
    const QUrl address(u"https://127.0.0.1:%1/v2"_s.arg(plain.serverPort()));
    RunpodProvider other(key(), address, shortPatience());
    EXPECT_EQ(errorOf(other.pods()).code(), "pod.tls");
    EXPECT_FALSE(heard.contains(server_.key().c_str()));
}

TEST_F(RunpodTroubleTest, AProviderThatGoesAwayLeavesNobodyWaiting) {
    auto provider = std::make_unique<RunpodProvider>(key(), url(), shortPatience());
    server_.cause({.verb = "GET", .path = "/v2/pods", .delay = 300});
    const QFuture<QList<Pod>> future = provider->pods();
    provider.reset();
    EXPECT_TRUE(future.isCanceled());
}

} // namespace caldera::studio
