// `caldera chat` and `caldera serve` as programs: pipes in, pipes out.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "tests/support/program.h"
#include "tests/support/tiny_model.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::Program;
using test::TinyModel;

class TalkTest : public testing::Test {
protected:
    std::vector<std::string> chat(std::vector<std::string> more) const {
        more.insert(more.begin(), {"chat", model_.folder().string(), "--temperature", "0",
                                   "--max-tokens", "12", "--threads", "2"});
        return more;
    }
    TinyModel model_;
};

TEST_F(TalkTest, ChatAnswersOneQuestionAsADocument) {
    Program program(chat({"--prompt", "Hello", "--json"}));
    const Json document = Json::parse(program.readAll());
    EXPECT_EQ(program.exitCode(), 0);
    EXPECT_EQ(document.at("caldera").at("generated_tokens"), 12);
    EXPECT_EQ(document.at("finish_reason"), "length");
    EXPECT_TRUE(document.at("answer").is_string());
}

TEST_F(TalkTest, ChatReadsLinesAndForgetsWhenAsked) {
    Program once(chat({"--prompt", "Hello"}));
    const std::string answer = once.readAll();
    EXPECT_EQ(once.exitCode(), 0);
    EXPECT_GT(answer.size(), 5U);

    Program program(chat({}));
    program.write("Hello\n/reset\n\nHello\n");
    program.closeInput();
    EXPECT_EQ(program.readAll(), answer + answer);
    EXPECT_EQ(program.exitCode(), 0);
}

TEST_F(TalkTest, ChatWithoutAQuestionIsNoDocument) {
    Program program(chat({"--json"}));
    const Json document = Json::parse(program.readAll());
    EXPECT_EQ(document.at("error").at("code"), "chat.json");
    EXPECT_EQ(program.exitCode(), 2);
}

TEST_F(TalkTest, ServeSaysWhereItListensAndEndsWithItsParent) {
    Program program({"serve", model_.folder().string(), "--port", "0", "--context", "99",
                     "--exit-with-parent", "--token-stdin"});
    program.write("token-of-this-test\n");
    const Json line = Json::parse(program.readLine());
    EXPECT_FALSE(line.contains("token")) << "whoever gave it knows it";
    EXPECT_EQ(line.at("event"), "listening");
    EXPECT_EQ(line.at("model"), "tiny");
    EXPECT_EQ(line.at("context"), 99);
    EXPECT_EQ(line.at("chats"), 4);
    const int port = line.at("port");
    EXPECT_EQ(line.at("url"), "http://127.0.0.1:" + std::to_string(port));
    httplib::Client client("127.0.0.1", port);
    EXPECT_EQ(client.Get("/health")->status, 401);
    client.set_default_headers({{"Authorization", "Bearer token-of-this-test"}});
    const auto health = client.Get("/health");
    ASSERT_TRUE(health);
    EXPECT_EQ(health->status, 200);
    program.closeInput();
    EXPECT_EQ(program.exitCode(), 0);
}

TEST_F(TalkTest, ServeSaysAnIpv6AddressAsAUrlHasIt) {
    if (httplib::Server().bind_to_any_port("::1") < 0) {
        GTEST_SKIP() << "this machine has no IPv6";
    }
    Program program({"serve", model_.folder().string(), "--host", "::1", "--port", "0",
                     "--exit-with-parent", "--device", "cpu"});
    const Json line = Json::parse(program.readLine());
    EXPECT_EQ(line.at("url"), "http://[::1]:" + std::to_string(line.at("port").get<int>()));
    program.closeInput();
    EXPECT_EQ(program.exitCode(), 0);
}

TEST_F(TalkTest, ServeChecksWhatItWouldRefuse) {
    Program program({"serve", model_.folder().string(), "--check", "--context", "1000000",
                     "--device", "cpu", "--json"});
    const Json document = Json::parse(program.readAll());
    EXPECT_EQ(document.at("error").at("code"), "engine.context");
    EXPECT_EQ(program.exitCode(), 1);
}

TEST_F(TalkTest, BenchDecodeTimesTheStepsOfAnArtifact) {
    Program program({"bench", "decode", model_.folder().string(), "--position", "20", "--tokens",
                     "16", "--threads", "2", "--device", "cpu", "--json"});
    const Json document = Json::parse(program.readAll());
    EXPECT_EQ(program.exitCode(), 0);
    EXPECT_EQ(document.at("device"), "cpu");
    EXPECT_GT(document.at("weight_bytes"), 0);
    const Json& step = document.at("steps").at(0);
    EXPECT_GT(step.at("microseconds"), 0);
    EXPECT_NEAR(step.at("tokens_per_second").get<double>() * step.at("seconds").get<double>(), 16,
                1e-6)
        << "all tokens over all their time, as an answer's statistics have it";
}

TEST_F(TalkTest, SaysWhyThereIsNoGpu) {
    Program program(chat({"--prompt", "Hello", "--device", "cuda", "--json"}));
    const Json document = Json::parse(program.readAll());
    if (!document.contains("error")) {
        GTEST_SKIP() << "there is a GPU";
    }
    EXPECT_EQ(program.exitCode(), 1);
    EXPECT_EQ(document.at("error").at("code"), "engine.no-cuda");
}

/// Flips the lowest bit of the byte in the middle of the first shard.
void damage(const fs::path& artifact) {
    const fs::path file = artifact / "model-00001-of-00004.safetensors";
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(fs::file_size(file) / 2);
    stream.seekg(middle);
    const int byte = stream.get();
    stream.seekp(middle);
    stream.put(static_cast<char>(byte ^ 1));
}

TEST_F(TalkTest, ADamagedArtifactIsRefusedByWhoeverReadsItsWeights) {
    const std::string artifact = model_.folder().string();
    Program whole({"info", artifact, "--verify", "--json"});
    EXPECT_EQ(Json::parse(whole.readAll()).at("kind"), "artifact");
    EXPECT_EQ(whole.exitCode(), 0);
    damage(model_.folder());
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"info", artifact, "--verify"},
                                               {"chat", artifact, "--prompt", "Hello"},
                                               {"serve", artifact, "--port", "0"},
                                               {"evaluate", artifact, "--max-tokens", "100"}}) {
        std::vector<std::string> withJson = words;
        withJson.emplace_back("--json");
        Program program(withJson);
        const Json document = Json::parse(program.readAll(), nullptr, false);
        EXPECT_EQ(program.exitCode(), 1) << words[0];
        ASSERT_TRUE(document.contains("error")) << words[0] << ": " << document;
        EXPECT_EQ(document.at("error").at("code"), "artifact.checksum") << words[0];
    }
    Program trusting(chat({"--prompt", "Hello", "--trust"}));
    EXPECT_EQ(trusting.exitCode(), 0);
}

TEST_F(TalkTest, ServeRefusesATokenThatIsNone) {
    for (const char* line : {"short\n", "with a space in it\n", "\n"}) {
        Program program({"serve", model_.folder().string(), "--port", "0", "--token-stdin"});
        program.write(line);
        EXPECT_EQ(program.exitCode(), 2) << line;
    }
}

TEST_F(TalkTest, ServeSaysItsTokenAndEndsOnASignal) {
    Program program({"serve", model_.folder().string(), "--port", "0"});
    const Json line = Json::parse(program.readLine());
    ASSERT_EQ(line.at("event"), "listening");
    httplib::Client client("127.0.0.1", line.at("port").get<int>());
    client.set_default_headers(
        {{"Authorization", "Bearer " + line.at("token").get<std::string>()}});
    EXPECT_EQ(client.Get("/health")->status, 200);
    program.signal(SIGTERM);
    EXPECT_EQ(program.exitCode(), 0);
}

/// A server and a pass layer by layer find a text equally likely.
void expectScoredAlike(const std::string& model) {
    const Json request = {{"text", "The quick brown fox"}, {"top_logprobs", 3}};
    Program server({"serve", model, "--port", "0", "--device", "cpu"});
    const Json line = Json::parse(server.readLine());
    httplib::Client client("127.0.0.1", line.at("port").get<int>());
    client.set_default_headers(
        {{"Authorization", "Bearer " + line.at("token").get<std::string>()}});
    const auto answer = client.Post("/caldera/v1/scores", request.dump(), "application/json");
    ASSERT_TRUE(answer);
    const Json served = Json::parse(answer->body).at("tokens");

    Program program({"score", model, "--lines"});
    program.write(request.dump());
    program.closeInput();
    std::istringstream lines(program.readAll());
    EXPECT_EQ(program.exitCode(), 0);
    Json last;
    int progress = 0;
    for (std::string text; std::getline(lines, text);) {
        last = Json::parse(text);
        progress += last.contains("done") ? 1 : 0;
    }
    EXPECT_GT(progress, 0);
    const Json& passed = last.at("tokens");
    ASSERT_EQ(passed.size(), served.size());
    for (size_t i = 0; i < passed.size(); ++i) {
        EXPECT_EQ(passed[i].at("id"), served[i].at("id"));
        EXPECT_NEAR(passed[i].at("logprob"), served[i].at("logprob"), 0.02);
        EXPECT_EQ(passed[i].at("top_logprobs").size(), 3U);
    }
}

TEST_F(TalkTest, APassLayerByLayerScoresAsTheServerDoes) {
    expectScoredAlike(model_.folder().string());
}

TEST_F(TalkTest, AModelAsItIsIsServedToo) {
    const std::string original = CALDERA_SOURCE_DIR "/resources/demo-model";
    expectScoredAlike(original);
    Program program({"chat", original, "--prompt", "Hello", "--temperature", "0", "--max-tokens",
                     "12", "--device", "cpu", "--json"});
    const Json document = Json::parse(program.readAll());
    EXPECT_EQ(program.exitCode(), 0);
    EXPECT_GT(document.at("answer").get<std::string>().size(), 5U);
}

TEST_F(TalkTest, APassThatFailsSaysWhyInALine) {
    for (const auto& [request, model] :
         {std::pair<std::string, std::string>{R"({"text": "x"})", "/nowhere"},
          {R"({"tokens": [999999]})", model_.folder().string()}}) {
        Program program({"score", model, "--lines"});
        program.write(request);
        program.closeInput();
        std::istringstream lines(program.readAll());
        EXPECT_NE(program.exitCode(), 0);
        Json last;
        for (std::string text; std::getline(lines, text);) {
            last = Json::parse(text, nullptr, false);
        }
        ASSERT_TRUE(last.is_object() && last.contains("error")) << request << ": " << last;
        EXPECT_GT(last.at("error").at("message").get<std::string>().size(), 20U);
    }
}

} // namespace
} // namespace caldera
