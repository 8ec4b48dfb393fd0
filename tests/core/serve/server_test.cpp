#include "core/serve/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <thread>

#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "core/runtime/scheduler.h"
#include "tests/core/runtime/fake_backend.h"
#include "tests/core/serve/scripted_engine.h"
#include "tests/support/gate.h"
#include "tests/support/tiny_model.h"
#include "tests/support/until.h"

namespace caldera {
namespace {

using Json = nlohmann::json;
using test::FakeBackend;
using test::FakeShape;
using test::Gate;
using test::ScriptedEngine;
using test::TinyModel;
using test::until;

constexpr const char* kChat = "/v1/chat/completions";
constexpr const char* kJsonType = "application/json";

/// A server on a thread of its own, stopped at the end.
class RunningServer {
public:
    explicit RunningServer(std::shared_ptr<Engine> engine) {
        std::promise<int> port;
        auto listening = port.get_future();
        ServeOptions options;
        options.onListening = [&port](int real) { port.set_value(real); };
        thread_ = std::jthread([this, engine = std::move(engine), options](std::stop_token stop) {
            serve(engine, options, noProgress(), stop);
            hasEnded_.set_value();
        });
        port_ = listening.get();
    }

    int port() const { return port_; }
    httplib::Client client() const {
        httplib::Client client("127.0.0.1", port_);
        client.set_read_timeout(20);
        return client;
    }
    /// Requests the stop; true when the server returned within the limit.
    bool stopsWithin(std::chrono::milliseconds limit) {
        thread_.request_stop();
        return hasEnded_.get_future().wait_for(limit) == std::future_status::ready;
    }

private:
    int port_ = 0;
    std::promise<void> hasEnded_;
    std::jthread thread_;
};

/// A plain socket, for what a well-mannered client does not do.
class RawClient {
public:
    explicit RawClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    }
    ~RawClient() { close(); }
    void send(const std::string& text) {
        EXPECT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
    }
    /// Sends as much of the text, over and over, as the server takes before it closes.
    size_t flood(const std::string& text, size_t most) const {
        size_t total = 0;
        while (total < most) {
            const ssize_t count = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0) {
                break;
            }
            total += static_cast<size_t>(count);
        }
        return total;
    }
    void post(const std::string& body) {
        send("POST " + std::string(kChat) +
             " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body);
    }
    /// Everything until the server closes.
    std::string readAll() {
        std::string all;
        char buffer[4096];
        for (;;) {
            const ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
            if (count <= 0) {
                return all;
            }
            all.append(buffer, static_cast<size_t>(count));
        }
    }
    void close() {
        if (socket_ >= 0) {
            ::close(socket_);
            socket_ = -1;
        }
    }

private:
    int socket_;
};

std::string question(const std::string& more = "", const std::string& text = "Hi") {
    return R"({"messages": [{"role": "user", "content": ")" + text + "\"}]" + more + "}";
}

/// The documents of a whole event stream; the last must be [DONE].
std::vector<Json> chunksOf(const std::string& stream) {
    std::vector<Json> chunks;
    bool isDone = false;
    for (size_t at = 0; at < stream.size();) {
        const size_t end = stream.find("\n\n", at);
        if (end == std::string::npos || stream.compare(at, 6, "data: ") != 0 || isDone) {
            ADD_FAILURE() << "not an event: " << stream.substr(at);
            return chunks;
        }
        const std::string data = stream.substr(at + 6, end - at - 6);
        isDone = data == "[DONE]";
        if (!isDone) {
            chunks.push_back(Json::parse(data));
        }
        at = end + 2;
    }
    EXPECT_TRUE(isDone);
    return chunks;
}

Json health(const RunningServer& server) {
    return Json::parse(server.client().Get("/health")->body);
}

std::string contentOf(const std::vector<Json>& chunks) {
    std::string text;
    for (const Json& chunk : chunks) {
        text += chunk.at("choices").at(0).at("delta").value("content", "");
    }
    return text;
}

class ServerTest : public testing::Test {
protected:
    static void SetUpTestSuite() { model_ = new TinyModel(); }
    static void TearDownTestSuite() {
        delete model_;
        model_ = nullptr;
    }
    static std::shared_ptr<ScriptedEngine>
    scripted(const std::string& text = "The answer is ünïque.") {
        return std::make_shared<ScriptedEngine>(model_->artifact(), text);
    }
    static TinyModel* model_;
};
TinyModel* ServerTest::model_ = nullptr;

TEST_F(ServerTest, TellsItsModelAndHealth) {
    const RunningServer server(scripted());
    auto client = server.client();
    const auto models = client.Get("/v1/models");
    ASSERT_TRUE(models);
    const Json list = Json::parse(models->body);
    EXPECT_EQ(list.at("object"), "list");
    EXPECT_EQ(list.at("data").at(0).at("id"), "tiny");
    EXPECT_EQ(list.at("data").at(0).at("object"), "model");
    EXPECT_EQ(list.at("data").at(0).at("context_length"), 256);
    const auto health = client.Get("/health");
    ASSERT_TRUE(health);
    const Json well = Json::parse(health->body);
    EXPECT_EQ(well.at("status"), "ok");
    EXPECT_EQ(well.at("requests"), 0);
    EXPECT_EQ(well.at("running"), 0);
    EXPECT_EQ(well.at("waiting"), 0);
    const auto nowhere = client.Get("/v2");
    ASSERT_TRUE(nowhere);
    EXPECT_EQ(nowhere->status, 404);
    EXPECT_NE(nowhere->body.find("GET /v2"), std::string::npos);
    const auto posted = client.Post("/v1/embeddings", "{}", kJsonType);
    ASSERT_TRUE(posted);
    EXPECT_EQ(posted->status, 404);
}

TEST_F(ServerTest, AnswersAtOnce) {
    const auto engine = scripted();
    const RunningServer server(engine);
    const auto result = server.client().Post(
        kChat, question(R"(, "temperature": 0.25, "seed": 9, "max_tokens": 77)"), kJsonType);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->status, 200);
    const Json answer = Json::parse(result->body);
    EXPECT_EQ(answer.at("object"), "chat.completion");
    EXPECT_EQ(answer.at("model"), "tiny");
    const Json& choice = answer.at("choices").at(0);
    EXPECT_EQ(choice.at("message").at("role"), "assistant");
    EXPECT_EQ(choice.at("message").at("content"), "The answer is ünïque.");
    EXPECT_EQ(choice.at("finish_reason"), "stop");
    EXPECT_EQ(answer.at("usage").at("total_tokens"),
              answer.at("caldera").at("prompt_tokens").get<int>() +
                  answer.at("caldera").at("generated_tokens").get<int>());
    EXPECT_EQ(answer.at("caldera").at("tokens_per_second"), 12.5);
    const auto record = engine->records().at(0);
    EXPECT_EQ(record.prompt,
              "<|im_start|>system\nYou are "
              "small.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    EXPECT_EQ(record.options.temperature, 0.25);
    EXPECT_EQ(record.options.seed, 9U);
    EXPECT_EQ(record.options.maxTokens, 77);
}

TEST_F(ServerTest, StreamsWhatItWouldAnswerAtOnce) {
    const RunningServer server(scripted());
    const auto result = server.client().Post(kChat, question(R"(, "stream": true)"), kJsonType);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->status, 200);
    EXPECT_EQ(result->get_header_value("Content-Type"), "text/event-stream");
    const auto chunks = chunksOf(result->body);
    ASSERT_GT(chunks.size(), 3U);
    EXPECT_EQ(chunks.front().at("choices").at(0).at("delta").at("role"), "assistant");
    EXPECT_EQ(contentOf(chunks), "The answer is ünïque.");
    for (const Json& chunk : chunks) {
        EXPECT_EQ(chunk.at("object"), "chat.completion.chunk");
        EXPECT_EQ(chunk.at("id"), chunks.front().at("id"));
        EXPECT_EQ(chunk.contains("usage"), &chunk == &chunks.back());
    }
    EXPECT_EQ(chunks.back().at("choices").at(0).at("finish_reason"), "stop");
    EXPECT_GT(chunks.back().at("usage").at("completion_tokens"), 3);
    EXPECT_EQ(chunks.back().at("caldera").at("tokens_per_second"), 12.5);
}

TEST_F(ServerTest, EndsAtAStopTextAndAtTheLimit) {
    const RunningServer server(scripted("one two three four"));
    auto client = server.client();
    const auto stopped = client.Post(kChat, question(R"(, "stop": " thr")"), kJsonType);
    ASSERT_TRUE(stopped);
    const Json first = Json::parse(stopped->body).at("choices").at(0);
    EXPECT_EQ(first.at("message").at("content"), "one two");
    EXPECT_EQ(first.at("finish_reason"), "stop");
    const auto cut = client.Post(kChat, question(R"(, "max_tokens": 1)"), kJsonType);
    ASSERT_TRUE(cut);
    EXPECT_EQ(Json::parse(cut->body).at("choices").at(0).at("finish_reason"), "length");
}

TEST_F(ServerTest, ServesARealEngine) {
    const RunningServer server(Engine::open(model_->artifact(), {.contextLength = 128}));
    const std::string body = question(R"(, "temperature": 0, "max_tokens": 12)");
    const auto whole = server.client().Post(kChat, body, kJsonType);
    ASSERT_TRUE(whole);
    const Json answer = Json::parse(whole->body);
    const auto streamed = server.client().Post(
        kChat, question(R"(, "temperature": 0, "max_tokens": 12, "stream": true)"), kJsonType);
    ASSERT_TRUE(streamed);
    const auto chunks = chunksOf(streamed->body);
    EXPECT_EQ(contentOf(chunks),
              answer.at("choices").at(0).at("message").at("content").get<std::string>());
    EXPECT_GT(chunks.back().at("caldera").at("reused_tokens"), 10) << "the prompt was known";
    EXPECT_GT(chunks.back().at("caldera").at("weight_bytes"), 0);
}

TEST_F(ServerTest, GivesFourClientsAtOnceWhatEachGetsAlone) {
    const RunningServer server(Engine::open(
        model_->artifact(),
        {.contextLength = 128, .chats = 4, .threads = 2, .device = EngineSettings::Device::Cpu}));
    const auto textOf = [&server](int number) {
        const auto result =
            server.client().Post(kChat,
                                 question(R"(, "stream": true, "temperature": 0, "max_tokens": 40)",
                                          "Number " + std::to_string(number)),
                                 kJsonType);
        return result ? contentOf(chunksOf(result->body)) : "no answer";
    };
    std::vector<std::future<std::string>> together;
    for (int number = 0; number < 4; ++number) {
        together.push_back(std::async(std::launch::async, textOf, number));
    }
    std::vector<std::string> texts;
    for (auto& text : together) {
        texts.push_back(text.get());
    }
    for (int number = 0; number < 4; ++number) {
        EXPECT_EQ(texts[static_cast<size_t>(number)], textOf(number));
    }
}

TEST_F(ServerTest, CancelsAnAnswerWhoseClientLeaves) {
    for (const char* more : {"", R"(, "stream": true)"}) {
        const auto engine = scripted();
        engine->holdAfterFirstToken();
        const RunningServer server(engine);
        RawClient client(server.port());
        client.post(question(more));
        ASSERT_TRUE(engine->waitForBegun(1));
        client.close();
        ASSERT_TRUE(engine->waitForEnded(1));
        EXPECT_EQ(engine->records().at(0).reason, FinishReason::Cancelled);
        EXPECT_EQ(engine->records().at(0).tokens, 1);
        EXPECT_TRUE(until([&] { return health(server).at("requests") == 0; }))
            << "the server still works for the client that left" << more;
    }
}

/// An engine that computes nothing, and stops before every prompt while the gate is closed.
struct GatedEngine {
    GatedEngine(std::shared_ptr<const Artifact> artifact, const FakeShape& shape) {
        auto backend = std::make_unique<FakeBackend>(std::move(artifact), shape);
        backend->beforeAppend = [this](int, auto) { prompts.pass(); };
        backend->beforeStep = [this](auto) { steps.pass(); };
        fake = backend.get();
        engine = std::make_shared<Scheduler>(std::move(backend));
    }
    Gate prompts;
    Gate steps;
    FakeBackend* fake = nullptr;
    std::shared_ptr<Engine> engine;
};

std::future<int> askLater(const RunningServer& server, const std::string& body) {
    return std::async(std::launch::async, [&server, body] {
        const auto result = server.client().Post(kChat, body, kJsonType);
        return result ? result->status : -1;
    });
}

TEST_F(ServerTest, AnswersSeveralAtOnceAndLetsTheRestWait) {
    GatedEngine gated(model_->artifact(), {.slots = 2});
    gated.prompts.close();
    const RunningServer server(gated.engine);
    const auto untilHealthIs = [&server](int running, int waiting) {
        return until([&server, running, waiting] {
            const Json now = health(server);
            return now.at("running") == running && now.at("waiting") == waiting &&
                   now.at("requests") == running + waiting;
        });
    };
    auto first = askLater(server, question("", "first"));
    ASSERT_TRUE(gated.prompts.waitForArrivals(1));
    RawClient leaving(server.port());
    leaving.post(question("", "leaving"));
    ASSERT_TRUE(untilHealthIs(1, 1));
    auto second = askLater(server, question("", "second"));
    auto third = askLater(server, question(R"(, "stream": true)", "third"));
    ASSERT_TRUE(untilHealthIs(1, 3));
    leaving.close();
    ASSERT_TRUE(untilHealthIs(1, 2)) << "although the engine is busy";
    gated.prompts.open();
    EXPECT_EQ(first.get(), 200);
    EXPECT_EQ(second.get(), 200);
    EXPECT_EQ(third.get(), 200);
    const auto calls = gated.fake->calls();
    EXPECT_TRUE(std::any_of(calls.begin(), calls.end(),
                            [](const auto& call) { return call.slots.size() == 2; }));
    const auto result = server.client().Get("/caldera/v1/statistics");
    ASSERT_TRUE(result);
    const Json statistics = Json::parse(result->body);
    EXPECT_EQ(statistics.at("chats"), 2);
    EXPECT_EQ(statistics.at("running"), 0);
    EXPECT_GT(statistics.at("generated_tokens"), 3);
    EXPECT_GT(statistics.at("tokens_per_second"), 0);
    EXPECT_EQ(statistics.at("pool_tokens"), 1024);
    EXPECT_EQ(statistics.at("used_tokens").get<int64_t>() * 8, statistics.at("cache_bytes"));
}

TEST_F(ServerTest, FreesTheSlotOfAClientThatLeaves) {
    // Room for an answer that does not end while the test is watched.
    GatedEngine gated(model_->artifact(), {.context = 200000, .slots = 1, .pool = 200000});
    gated.steps.close();
    const RunningServer server(gated.engine);
    RawClient leaving(server.port());
    leaving.post(question(R"(, "stream": true, "max_tokens": 190000)"));
    ASSERT_TRUE(gated.steps.waitForArrivals(1));
    auto next = askLater(server, question(R"(, "max_tokens": 3)"));
    ASSERT_TRUE(until([&] { return gated.engine->statistics().waiting == 1; }));
    leaving.close();
    gated.steps.open();
    EXPECT_EQ(next.get(), 200);
    EXPECT_EQ(gated.engine->statistics().running, 0);
    EXPECT_LT(gated.engine->statistics().generatedTokens, 190000);
}

TEST_F(ServerTest, SaysWhenTooManyWait) {
    constexpr int kMost = 1 + 24; // the engine's one chat and those who wait
    const auto engine = scripted();
    engine->holdAfterFirstToken();
    const RunningServer server(engine);
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < kMost; ++i) {
        clients.push_back(std::make_unique<RawClient>(server.port()));
        clients.back()->post(question(i % 2 == 0 ? "" : R"(, "stream": true)"));
    }
    ASSERT_TRUE(engine->waitForBegun(kMost));
    const auto refused = server.client().Post(kChat, question(), kJsonType);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 429);
    EXPECT_EQ(Json::parse(refused->body).at("error").at("code"), "serve.busy");
    EXPECT_EQ(health(server).at("requests"), kMost);
    clients.pop_back();
    ASSERT_TRUE(until([&] { return health(server).at("requests") == kMost - 1; }));
    engine->release();
    EXPECT_EQ(server.client().Post(kChat, question(), kJsonType)->status, 200);
}

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

TEST_F(ServerTest, StopsAtOnceWhateverIsGoingOn) {
    const auto engine = scripted();
    engine->holdAfterFirstToken();
    RunningServer server(engine);
    RawClient idle(server.port());
    RawClient half(server.port());
    half.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n");
    RawClient streaming(server.port());
    streaming.post(question(R"(, "stream": true)"));
    ASSERT_TRUE(engine->waitForBegun(1));
    RawClient queued(server.port());
    queued.post(question());
    EXPECT_TRUE(server.stopsWithin(std::chrono::seconds(1)));
    EXPECT_EQ(engine->records().at(0).reason, FinishReason::Cancelled);
}

TEST_F(ServerTest, StopsBeforeItBegins) {
    std::stop_source stopped;
    stopped.request_stop();
    serve(scripted(), {}, noProgress(), stopped.get_token());
    SUCCEED();
}

TEST_F(ServerTest, SaysWhenThePortIsTaken) {
    const RunningServer server(scripted());
    ServeOptions options;
    options.port = server.port();
    try {
        serve(scripted(), options, noProgress(), {});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "serve.port");
        EXPECT_NE(std::string(error.what()).find(std::to_string(server.port())), std::string::npos);
    }
}

} // namespace
} // namespace caldera
