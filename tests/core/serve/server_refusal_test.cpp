// What it refuses.
#include "core/serve/server.h"

#include <gtest/gtest.h>

#include "tests/core/serve/server_fixture.h"

namespace caldera {
namespace {

using namespace test;

TEST_F(ServerTest, RefusesWhatItCannotAnswer) {
    const auto engine = scripted();
    const RunningServer server(engine);
    std::string longText;
    for (int i = 0; i < 300; ++i) {
        longText += "word ";
    }
    const std::vector<std::pair<std::string, std::string>> table = {
        {"{", ""},
        {"{}", "messages"},
        {R"({"messages": []})", "messages"},
        {R"({"messages": [{"role": "robot", "content": "x"}]})", "messages[0].role"},
        {question(R"(, "temperature": "warm")"), "temperature"},
        {question("", longText), "messages"},
    };
    for (const auto& [body, parameter] : table) {
        SCOPED_TRACE(body.substr(0, 80));
        const auto result = server.client().Post(kChat, body, kJsonType);
        ASSERT_TRUE(result);
        EXPECT_EQ(result->status, 400);
        const Json error = Json::parse(result->body).at("error");
        EXPECT_EQ(error.at("type"), "invalid_request_error");
        EXPECT_EQ(error.at("param"), parameter.empty() ? Json() : Json(parameter));
        EXPECT_GT(error.at("message").get<std::string>().size(), 20U);
    }
    const httplib::MultipartFormDataItems form = {{"file", "x", "x.txt", "text/plain"}};
    const auto posted = server.client().Post(kChat, form);
    ASSERT_TRUE(posted);
    EXPECT_EQ(posted->status, 400);
    EXPECT_TRUE(engine->records().empty());
}

TEST_F(ServerTest, SaysWhenTheEngineFails) {
    const auto engine = scripted();
    engine->beforeAnswer = [] { throw Error("engine.logits", "No finite logit was computed."); };
    const RunningServer server(engine);
    const auto whole = server.client().Post(kChat, question(), kJsonType);
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->status, 500);
    EXPECT_EQ(Json::parse(whole->body).at("error").at("code"), "engine.logits");
    const auto streamed = server.client().Post(kChat, question(R"(, "stream": true)"), kJsonType);
    ASSERT_TRUE(streamed);
    EXPECT_NE(streamed->body.find(R"("message":"No finite logit was computed.")"),
              std::string::npos);
    EXPECT_NE(streamed->body.find("server_error"), std::string::npos);
}

TEST_F(ServerTest, RefusesBodiesWhoseLengthCanBeReadInTwoWays) {
    const RunningServer server(scripted());
    const std::string body = question();
    const std::string size = std::to_string(body.size());
    for (const std::string& headers :
         {"Content-Length: " + size + "\r\nContent-Length: " + size + "0\r\n",
          std::string("Content-Length: abc\r\n"), std::string("Content-Length: -5\r\n"),
          "Content-Length: " + size + "\r\nTransfer-Encoding: chunked\r\n"}) {
        SCOPED_TRACE(headers);
        RawClient client(server.port());
        client.send("POST " + std::string(kChat) + " HTTP/1.1\r\nHost: localhost\r\n" +
                    kAuthorization + headers + "\r\n" + body);
        const std::string answer = client.readAll();
        EXPECT_NE(answer.find(" 400 "), std::string::npos) << answer;
        EXPECT_NE(answer.find("length"), std::string::npos) << answer;
    }
}

TEST_F(ServerTest, RefusesLengthsThatNobodyReadsWithoutWaitingForTheBody) {
    const RunningServer server(scripted());
    for (const char* length :
         {"8388609", "18446744073709551615", "18446744073709551616",
          "100000000000000000000000000000000", "00000000000000000000000000009999999999"}) {
        SCOPED_TRACE(length);
        RawClient client(server.port());
        const auto start = std::chrono::steady_clock::now();
        client.send("POST " + std::string(kChat) + " HTTP/1.1\r\nHost: localhost\r\n" +
                    kAuthorization + "Content-Length: " + length + "\r\n\r\n");
        const std::string answer = client.readAll();
        EXPECT_NE(answer.find(" 413 "), std::string::npos) << answer;
        EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(4))
            << "a client that sends nothing has 5 s";
    }
}

TEST_F(ServerTest, SaysThatPackedBodiesAreNotSupported) {
    const auto engine = scripted();
    const RunningServer server(engine);
    for (const char* coding : {"gzip", "br", "deflate", "x-unknown", "gzip, identity"}) {
        const auto result =
            server.client().Post(kChat, {{"Content-Encoding", coding}}, question(), kJsonType);
        ASSERT_TRUE(result) << coding;
        EXPECT_EQ(result->status, 415) << coding;
        EXPECT_NE(result->body.find("not supported"), std::string::npos) << result->body;
    }
    const auto plain =
        server.client().Post(kChat, {{"Content-Encoding", "identity"}}, question(), kJsonType);
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->status, 200);
}

TEST_F(ServerTest, SaysThatChunksAreFramedWrongly) {
    const RunningServer server(scripted());
    for (const char* body : {"zz\r\n{}\r\n0\r\n\r\n", "2\r\n{}xx\r\n0\r\n\r\n",
                             "-2\r\n{}\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFF\r\n{}\r\n"}) {
        SCOPED_TRACE(body);
        RawClient client(server.port());
        client.send("POST " + std::string(kChat) + " HTTP/1.1\r\nHost: localhost\r\n" +
                    kAuthorization + "Transfer-Encoding: chunked\r\n\r\n" + body);
        client.endInput();
        const std::string answer = client.readAll();
        EXPECT_NE(answer.find(" 400 "), std::string::npos) << answer;
        EXPECT_NE(answer.find("chunks are not framed"), std::string::npos) << answer;
    }
}

TEST_F(ServerTest, ReadsBodiesInChunks) {
    const RunningServer server(scripted());
    const std::string body = question();
    for (const std::string& chunks :
         {"1;name=x\r\n{\r\n" + std::string("30\r\n"), std::string("1\r\n{\r\n30\r\n")}) {
        ASSERT_EQ(body.size(), 1U + 0x30);
        RawClient client(server.port());
        client.send("POST " + std::string(kChat) + " HTTP/1.1\r\nHost: localhost\r\n" +
                    kAuthorization + "Transfer-Encoding: Chunked\r\n\r\n" + chunks +
                    body.substr(1) + "\r\n0\r\nX-Trailer: 1\r\n\r\n");
        EXPECT_NE(client.readAll().find(" 200 "), std::string::npos);
    }
}

TEST_F(ServerTest, RefusesOtherTransferCodings) {
    const RunningServer server(scripted());
    for (const char* coding : {"gzip", "gzip, chunked", "chunked, chunked", "identity"}) {
        RawClient client(server.port());
        client.send("POST " + std::string(kChat) + " HTTP/1.1\r\nHost: localhost\r\n" +
                    kAuthorization + "Transfer-Encoding: " + coding + "\r\n\r\n" + question());
        const std::string answer = client.readAll();
        EXPECT_NE(answer.find(" 400 "), std::string::npos) << coding << ": " << answer;
        EXPECT_NE(answer.find("serve.length"), std::string::npos) << answer;
    }
}

TEST_F(ServerTest, TellsAClientThatSpeaksTls) {
    const RunningServer server(scripted());
    RawClient client(server.port());
    client.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
    const std::string answer = client.readAll();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
    EXPECT_NE(answer.find("plain HTTP"), std::string::npos) << answer;
    EXPECT_TRUE(until([&] { return server.log().count("speaks TLS") == 1; }));
    RawClient again(server.port());
    again.send(std::string("\x16\x03\x01", 3));
    again.readAll();
    EXPECT_EQ(server.log().count("speaks TLS"), 1) << "once is enough";
}

TEST_F(ServerTest, RefusesASecondOrigin) {
    const RunningServer server(scripted());
    const std::string own = "http://127.0.0.1:" + std::to_string(server.port());
    const auto result =
        server.client().Get("/v1/models", {{"Origin", own}, {"Origin", "https://page.example"}});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->status, 403);
    EXPECT_NE(result->body.find("2 Origin headers"), std::string::npos) << result->body;
}

TEST_F(ServerTest, RefusesForeignHostsAndOrigins) {
    const RunningServer server(scripted());
    const std::string own = "127.0.0.1:" + std::to_string(server.port());
    const std::vector<std::tuple<std::string, std::string, int>> table = {
        {own, "", 200},
        {"localhost:" + std::to_string(server.port()), "", 200},
        {"[::1]:" + std::to_string(server.port()), "", 200},
        {own, "http://" + own, 200},
        {"rebound.example:" + std::to_string(server.port()), "", 403},
        {own, "https://page.example", 403},
        {own, "null", 403},
        {own, "http://127.0.0.1:1", 403},
    };
    for (const auto& [host, origin, status] : table) {
        SCOPED_TRACE(host + " " + origin);
        httplib::Headers headers = {{"Host", host}};
        if (!origin.empty()) {
            headers.emplace("Origin", origin);
        }
        const auto models = server.client().Get("/v1/models", headers);
        ASSERT_TRUE(models);
        EXPECT_EQ(models->status, status);
        const auto chat = server.client().Post(kChat, headers, question(), kJsonType);
        ASSERT_TRUE(chat);
        EXPECT_EQ(chat->status, status);
    }
    RawClient nameless(server.port());
    nameless.send("GET /health HTTP/1.0\r\n\r\n");
    EXPECT_NE(nameless.readAll().find("403"), std::string::npos);
}

TEST_F(ServerTest, RefusesBodiesAboveEightMebibytes) {
    const auto engine = scripted();
    const RunningServer server(engine);
    const std::string large = question("", std::string((8U << 20) + 1, 'x'));
    const auto counted = server.client().Post(kChat, large, kJsonType);
    ASSERT_TRUE(counted) << httplib::to_string(counted.error());
    EXPECT_EQ(counted->status, 413);
    EXPECT_NE(counted->body.find("8 MiB"), std::string::npos);
    const auto chunked = server.client().Post(
        kChat,
        [&large](size_t offset, httplib::DataSink& sink) {
            if (offset >= large.size()) {
                sink.done();
                return true;
            }
            return sink.write(large.data() + offset,
                              std::min<size_t>(65536, large.size() - offset));
        },
        kJsonType);
    ASSERT_TRUE(chunked) << httplib::to_string(chunked.error());
    EXPECT_EQ(chunked->status, 413);
    EXPECT_TRUE(engine->records().empty());
}

TEST_F(ServerTest, EndsAnEndlessRequest) {
    const RunningServer server(scripted());
    constexpr size_t kMost = 128U << 20;
    for (const char* beginning : {"GET /", "GET /health HTTP/1.1\r\nX: "}) {
        RawClient client(server.port());
        client.send(beginning);
        EXPECT_LT(client.flood(std::string(65536, 'x'), kMost), kMost) << beginning;
    }
    EXPECT_EQ(server.client().Get("/health")->status, 200);
}

} // namespace
} // namespace caldera
