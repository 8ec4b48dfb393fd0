// What it answers.
#include "core/serve/server.h"

#include <gtest/gtest.h>

#include "tests/core/serve/server_fixture.h"

namespace caldera {
namespace {

using namespace test;

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

TEST_F(ServerTest, TokensThatComeTogetherAreOneEvent) {
    const auto streamOf = [&](int together, const std::string& more) {
        const auto engine = scripted("one two three four five six seven eight");
        engine->together = together;
        const RunningServer server(engine);
        const auto result =
            server.client().Post(kChat, question(R"(, "stream": true)" + more), kJsonType);
        return result ? chunksOf(result->body) : std::vector<Json>();
    };
    const auto alone = streamOf(1, "");
    const auto together = streamOf(4, "");
    EXPECT_EQ(contentOf(together), contentOf(alone));
    EXPECT_LT(together.size(), alone.size() / 2);
    const int tokens = together.back().at("usage").at("completion_tokens");
    EXPECT_EQ(tokens, alone.back().at("usage").at("completion_tokens"));
    EXPECT_EQ(contentOf(streamOf(4, R"(, "stop": " fi")")), "one two three four");

    size_t chances = 0;
    for (const Json& chunk : streamOf(4, R"(, "logprobs": true)")) {
        const Json& known = chunk.at("choices").at(0).value("logprobs", Json());
        chances += known.is_null() ? 0 : known.at("content").size();
    }
    EXPECT_EQ(chances, static_cast<size_t>(tokens));
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

} // namespace
} // namespace caldera
