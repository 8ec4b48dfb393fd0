// Log-probabilities: of answers, and of texts that are given.
#include <cmath>
#include <span>

#include <gtest/gtest.h>

#include "core/model/model.h"
#include "tests/core/serve/server_fixture.h"

namespace caldera {
namespace {

using namespace test;

constexpr const char* kScores = "/caldera/v1/scores";

/// log softmax at `token`, over the tokenizer's 2048 tokens: no answer has the rows beyond them.
double logProbability(const std::vector<float>& logits, Token token) {
    double sum = 0;
    for (const float logit : std::span(logits).first(2048)) {
        sum += std::exp(static_cast<double>(logit));
    }
    return logits[static_cast<size_t>(token)] - std::log(sum);
}

class Scores : public ServerTest {
protected:
    Scores() : server_(Engine::open(model_->artifact(), {.contextLength = 128})) {}

    Json post(const char* path, const Json& body, int status = 200) const {
        const auto result = server_.client().Post(path, body.dump(), kJsonType);
        EXPECT_TRUE(result);
        EXPECT_EQ(result->status, status) << result->body;
        return Json::parse(result->body);
    }

    RunningServer server_;
};

TEST_F(Scores, AreTheModelsLogProbabilities) {
    const std::string text = "The quick brown fox";
    const std::vector<Token> tokens = model_->artifact()->tokenizer()->encode(text);
    const auto logits = model_->logits(tokens);
    const Json scores = post(kScores, {{"text", text}, {"top_logprobs", 5}});
    ASSERT_EQ(scores.at("tokens").size(), tokens.size() - 1);
    double sum = 0;
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
        const Json& score = scores.at("tokens").at(i);
        EXPECT_EQ(score.at("id"), tokens[i + 1]);
        const double expected = logProbability(logits[i], tokens[i + 1]);
        EXPECT_NEAR(score.at("logprob"), expected, 2e-3);
        sum += expected;
        ASSERT_EQ(score.at("top_logprobs").size(), 5U);
        double last = 0;
        for (const Json& top : score.at("top_logprobs")) {
            EXPECT_NEAR(top.at("logprob"), logProbability(logits[i], top.at("id")), 2e-3);
            EXPECT_LE(top.at("logprob"), last);
            last = top.at("logprob");
        }
    }
    EXPECT_NEAR(scores.at("log_likelihood"), sum, 1e-2);
}

TEST_F(Scores, OfAnAnswerFollowItsConversation) {
    const Json answer = post(kChat, {{"messages", {{{"role", "user"}, {"content", "Hi"}}}},
                                     {"temperature", 0},
                                     {"max_tokens", 6},
                                     {"logprobs", true}});
    const std::string text = answer.at("choices")[0].at("message").at("content");
    const Json scores = post(kScores, {{"messages",
                                        {{{"role", "user"}, {"content", "Hi"}},
                                         {{"role", "assistant"}, {"content", text}}}}});
    EXPECT_EQ(scores.at("caldera").at("prompt_tokens"), answer.at("usage").at("prompt_tokens"));
    // The same tokens, whether or not the text reads back as those it was made of.
    const Json& said = answer.at("choices")[0].at("logprobs").at("content");
    Json ids = Json::array();
    for (const Json& token : said) {
        ids.push_back(token.at("id"));
    }
    const Json exact =
        post(kScores, {{"messages", {{{"role", "user"}, {"content", "Hi"}}}}, {"tokens", ids}});
    ASSERT_EQ(exact.at("tokens").size(), said.size());
    for (size_t i = 0; i < said.size(); ++i) {
        EXPECT_EQ(exact.at("tokens")[i].at("id"), said[i].at("id"));
        EXPECT_NEAR(exact.at("tokens")[i].at("logprob"), said[i].at("logprob"), 1e-3);
    }
}

TEST_F(Scores, ComeAsEventsWhereTheyAreAskedFor) {
    const Json whole = post(kScores, {{"text", "The quick brown fox"}});
    const auto streamed = server_.client().Post(
        kScores, Json({{"text", "The quick brown fox"}, {"stream", true}}).dump(), kJsonType);
    ASSERT_TRUE(streamed);
    Json tokens = Json::array();
    for (const Json& chunk : chunksOf(streamed->body)) {
        for (const Json& token : chunk.value("tokens", Json::array())) {
            tokens.push_back(token);
        }
    }
    EXPECT_EQ(tokens, whole.at("tokens"));
}

TEST_F(Scores, RefuseWhatCannotBeScored) {
    const auto parameterOf = [&](const Json& body) {
        return post(kScores, body, 400).at("error").at("param");
    };
    EXPECT_EQ(parameterOf({{"text", ""}}), "text");
    EXPECT_EQ(parameterOf({{"text", "a"}, {"top_logprobs", 101}}), "top_logprobs");
    EXPECT_EQ(parameterOf({{"text", 3}}), "text");
    const Json question = {{{"role", "user"}, {"content", "Hi"}}};
    for (const Json& tokens : {Json(3), Json::array({-1}), Json::array({"a"}),
                               Json::array({1 << 30}), Json::array({1.5})}) {
        EXPECT_EQ(parameterOf({{"messages", question}, {"tokens", tokens}}), "tokens");
    }
    EXPECT_EQ(parameterOf({{"messages", {{{"role", "user"}, {"content", "Hi"}}}}}), "messages");
    EXPECT_EQ(parameterOf({{"messages",
                            {{{"role", "user"}, {"content", "Hi"}},
                             {{"role", "assistant"}, {"content", ""}}}}}),
              "messages");
    std::string longText;
    for (int i = 0; i < 200; ++i) {
        longText += "word ";
    }
    EXPECT_EQ(parameterOf({{"text", longText}}), "text");
}

TEST_F(Scores, AnAnswerGoesOnFromItsBeginning) {
    const Json messages = {{{"role", "user"}, {"content", "Hi"}}};
    const Json first = post(
        kChat, {{"messages", messages}, {"temperature", 0}, {"max_tokens", 1}, {"logprobs", true}});
    Json begun = messages;
    begun.push_back(
        {{"role", "assistant"}, {"content", first.at("choices")[0].at("message").at("content")}});
    const Json rest = post(kChat, {{"messages", begun},
                                   {"temperature", 0},
                                   {"max_tokens", 1},
                                   {"logprobs", true},
                                   {"continue_final_message", true}});
    EXPECT_EQ(rest.at("usage").at("prompt_tokens"),
              first.at("usage").at("prompt_tokens").get<int>() + 1);
    const Json refused =
        post(kChat, {{"messages", messages}, {"continue_final_message", true}}, 400);
    EXPECT_EQ(refused.at("error").at("param"), "continue_final_message");
    EXPECT_EQ(
        post(kChat, {{"messages", messages}, {"top_logprobs", 2}}, 400).at("error").at("param"),
        "top_logprobs");
}

TEST_F(Scores, MarksOfAStoppedAnswerAreThoseOfItsText) {
    const auto engine = scripted("one two three four");
    const RunningServer server(engine);
    const auto result =
        server.client().Post(kChat, question(R"(, "stop": "three", "logprobs": true)"), kJsonType);
    ASSERT_TRUE(result);
    const Json choice = Json::parse(result->body).at("choices")[0];
    EXPECT_EQ(choice.at("message").at("content"), "one two ");
    std::string text;
    for (const Json& token : choice.at("logprobs").at("content")) {
        text += token.at("token").get<std::string>();
    }
    // The last of them may reach into the stop text, none begins there.
    EXPECT_EQ(text.find("one two"), 0U);
    EXPECT_EQ(text.find("four"), std::string::npos);
}

} // namespace
} // namespace caldera
