// A real client: OpenAI's own Python package drives the server (packaging/bootstrap.sh test
// installs it below build/clients).
#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/serve/server_fixture.h"

namespace caldera {
namespace {

using namespace test;

const std::filesystem::path kPython = CALDERA_SOURCE_DIR "/build/clients/bin/python";

class OpenAiClient : public ServerTest {
protected:
    void SetUp() override {
        if (!std::filesystem::exists(kPython)) {
            GTEST_SKIP() << kPython << " is missing; packaging/bootstrap.sh test installs it";
        }
    }

    /// What the client saw, as openai_client.py describes it.
    static Json run(const std::string& scenario, const RunningServer& server) {
        const std::string line = kPython.string() + " " CALDERA_TEST_DATA "/openai_client.py " +
                                 scenario + " http://127.0.0.1:" + std::to_string(server.port()) +
                                 " " + kToken + " 2>&1";
        FILE* pipe = ::popen(line.c_str(), "r");
        std::string said;
        std::array<char, 4096> buffer{};
        for (size_t count = 0; (count = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
            said.append(buffer.data(), count);
        }
        EXPECT_EQ(::pclose(pipe), 0) << said;
        return Json::parse(said, nullptr, false);
    }
};

TEST_F(OpenAiClient, GetsAWholeAnswer) {
    const auto engine = scripted();
    const RunningServer server(engine);
    const Json seen = run("plain", server);
    const auto record = engine->records().at(0);
    EXPECT_EQ(record.options.maxTokens, 3);
    EXPECT_EQ(record.options.seed, 7U);
    EXPECT_EQ(record.options.temperature, 0.5);
    EXPECT_EQ(seen.at("finish_reason"), "length");
    EXPECT_THAT(seen.at("id").get<std::string>(), testing::StartsWith("chatcmpl-"));
    EXPECT_GT(seen.at("usage"), 3);
    EXPECT_TRUE(seen.at("logprobs").is_null());
}

TEST_F(OpenAiClient, StreamsAnAnswerWithItsUsage) {
    const auto engine = scripted();
    const RunningServer server(engine);
    const Json seen = run("streamed", server);
    EXPECT_EQ(seen.at("text"), "The answer is ünïque.");
    EXPECT_EQ(seen.at("finish_reason"), "stop");
    EXPECT_EQ(seen.at("usage"), engine->records().at(0).tokens);
    EXPECT_GT(seen.at("chunks"), 4);
}

TEST_F(OpenAiClient, StopsBeforeItsStopText) {
    const RunningServer server(scripted());
    const Json seen = run("stop", server);
    EXPECT_EQ(seen.at("text"), "The answer ");
    EXPECT_EQ(seen.at("finish_reason"), "stop");
}

TEST_F(OpenAiClient, ReadsTheChancesOfTokens) {
    const RunningServer server(Engine::open(model_->artifact(), {.contextLength = 128}));
    const Json seen = run("chances", server);
    ASSERT_EQ(seen.at("logprobs").size(), 4U);
    ASSERT_EQ(seen.at("streamed").size(), 4U);
    std::string text;
    for (size_t i = 0; i < 4; ++i) { // the second prompt comes from the cache
        const Json& streamed = seen.at("streamed").at(i);
        EXPECT_EQ(streamed.at("token"), seen.at("logprobs").at(i).at("token"));
        EXPECT_NEAR(streamed.at("logprob"), seen.at("logprobs").at(i).at("logprob"), 1e-4);
    }
    for (const Json& token : seen.at("logprobs")) {
        EXPECT_LE(token.at("logprob"), 0);
        EXPECT_EQ(token.at("top").size(), 3U);
        EXPECT_EQ(token.at("top").at(0), token.at("token")) << "greedy: the likeliest";
        for (const Json& byte : token.at("bytes")) {
            text += static_cast<char>(byte.get<int>());
        }
    }
    EXPECT_EQ(text.find(seen.at("text").get<std::string>().substr(0, 3)), 0U);
}

TEST_F(OpenAiClient, EndsAnAnswerByClosingIt) {
    const auto engine = scripted();
    engine->holdAfterFirstToken();
    const RunningServer server(engine);
    EXPECT_EQ(run("cancel", server).at("closed"), true);
    EXPECT_TRUE(engine->waitForEnded(1));
    EXPECT_EQ(engine->records().at(0).reason, FinishReason::Cancelled);
}

TEST_F(OpenAiClient, RaisesItsOwnErrors) {
    const RunningServer server(scripted());
    const Json seen = run("errors", server);
    EXPECT_EQ(seen.at("range"), Json({400, "temperature", "serve.request"}));
    EXPECT_EQ(seen.at("several"), Json({400, "n", "serve.request"}));
    EXPECT_EQ(seen.at("tools"), Json({400, "tools", "serve.request"}));
    EXPECT_EQ(seen.at("stranger"), Json({401, nullptr, "invalid_api_key"}));
}

TEST_F(OpenAiClient, ListsTheModel) {
    const RunningServer server(scripted());
    EXPECT_EQ(run("models", server).at("models"), Json({"tiny"}));
}

} // namespace
} // namespace caldera
