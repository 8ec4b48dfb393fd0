// Several clients, clients that leave, and the end.
#include "core/serve/server.h"

#include <chrono>
#include <future>

#include <gtest/gtest.h>

#include "core/runtime/scheduler.h"
#include "tests/core/runtime/fake_backend.h"
#include "tests/core/serve/server_fixture.h"
#include "tests/support/gate.h"

namespace caldera {
namespace {

using namespace test;

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

TEST_F(ServerTest, ClientsThatNeverFinishAskingHoldNobodyUp) {
    const RunningServer server(scripted());
    std::vector<std::unique_ptr<RawClient>> halves;
    for (int i = 0; i < 100; ++i) { // more than the server has threads
        halves.push_back(std::make_unique<RawClient>(server.port()));
        halves.back()->send("GET /health HTTP/1.1\r\nHo");
    }
    const auto health = server.client().Get("/health"); // within its 20 s
    ASSERT_TRUE(health);
    EXPECT_EQ(health->status, 200);
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

TEST_F(ServerTest, ALongPromptWhoseClientLeavesKeepsNoSeat) {
    const auto engine = scripted();
    const RunningServer server(engine);
    RawClient client(server.port());
    client.post(question("", std::string(8000000, ' ')));
    ASSERT_TRUE(until([&] { return health(server).at("requests") == 1; }));
    client.close();
    const auto left = std::chrono::steady_clock::now();
    EXPECT_TRUE(until([&] { return health(server).at("requests") == 0; }));
    EXPECT_LT(std::chrono::steady_clock::now() - left, std::chrono::seconds(2));
    EXPECT_TRUE(engine->records().empty());
}

TEST_F(ServerTest, AnswersSeveralAtOnceAndLetsTheRestWait) {
    GatedEngine gated(model_->artifact(), {.slots = 2});
    gated.prompts.close();
    const RunningServer server(gated.engine);
    auto first = askLater(server, question("", "first"));
    ASSERT_TRUE(gated.prompts.waitForArrivals(1));
    RawClient leaving(server.port());
    leaving.post(question("", "leaving"));
    ASSERT_TRUE(untilHealthIs(server, 1, 1));
    auto second = askLater(server, question("", "second"));
    auto third = askLater(server, question(R"(, "stream": true)", "third"));
    ASSERT_TRUE(untilHealthIs(server, 1, 3));
    leaving.close();
    ASSERT_TRUE(untilHealthIs(server, 1, 2)) << "although the engine is busy";
    gated.prompts.open();
    EXPECT_EQ(first.get(), 200);
    EXPECT_EQ(second.get(), 200);
    EXPECT_EQ(third.get(), 200);
    const auto calls = gated.fake->calls();
    EXPECT_TRUE(std::any_of(calls.begin(), calls.end(),
                            [](const auto& call) { return call.slots.size() == 2; }));
    ASSERT_TRUE(untilHealthIs(server, 0, 0));
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
