#include <random>

#include <gtest/gtest.h>

#include "core/serve/chat_request.h"
#include "core/serve/loopback_guard.h"
#include "core/serve/stop_filter.h"

namespace caldera {
namespace {

std::string withMessage(const std::string& more) {
    return R"({"messages": [{"role": "user", "content": "Hi"}])" + more + "}";
}

TEST(ChatRequest, ReadsEverythingThatIsUnderstood) {
    const ChatRequest request = parseChatRequest(R"({
        "model": "any", "stream": true, "temperature": 0.5, "top_p": 0.9, "top_k": 40,
        "min_p": 0.05, "repetition_penalty": 1.1, "max_tokens": 12, "seed": 7, "stop": ["a", "b"], "user": "x",
        "messages": [{"role": "developer", "content": "Be brief."},
                     {"role": "user", "content": [{"type": "text", "text": "one "},
                                                  {"type": "text", "text": "two"}]},
                     {"role": "assistant", "content": ""}]})");
    ASSERT_EQ(request.messages.size(), 3U);
    EXPECT_EQ(request.messages[0].role, "system");
    EXPECT_EQ(request.messages[1].content, "one two");
    EXPECT_EQ(request.messages[2].content, "");
    EXPECT_TRUE(request.stream);
    EXPECT_EQ(request.sampling.temperature, 0.5);
    EXPECT_EQ(request.sampling.topP, 0.9);
    EXPECT_EQ(request.sampling.topK, 40);
    EXPECT_EQ(request.sampling.minP, 0.05);
    EXPECT_EQ(request.sampling.repetitionPenalty, 1.1);
    EXPECT_EQ(request.sampling.maxTokens, 12);
    EXPECT_EQ(request.sampling.seed, 7U);
    EXPECT_EQ(request.stop, (std::vector<std::string>{"a", "b"}));
}

TEST(ChatRequest, TakesNullForAbsentAndDrawsASeed) {
    const ChatRequest request = parseChatRequest(
        withMessage(R"(, "seed": null, "stop": null, "temperature": null, "stream": null)"));
    const SamplingOptions defaults;
    EXPECT_EQ(request.sampling.temperature, defaults.temperature);
    EXPECT_EQ(request.sampling.maxTokens, defaults.maxTokens);
    EXPECT_FALSE(request.stream);
    EXPECT_NE(request.sampling.seed, parseChatRequest(withMessage("")).sampling.seed);
}

TEST(ChatRequest, PrefersTheNewerNameOfTheLimit) {
    EXPECT_EQ(parseChatRequest(withMessage(R"(, "max_tokens": 5, "max_completion_tokens": 6)"))
                  .sampling.maxTokens,
              6);
}

struct BadRequest {
    std::string body;
    std::string parameter;
    std::string said; ///< part of the sentence
};

TEST(ChatRequest, SaysWhatIsWrong) {
    const std::vector<BadRequest> table = {
        {"", "", "not JSON"},
        {R"({"messages": [)", "", "at byte 15"},
        {"{\"messages\": \"\xC3\x28\"}", "", "not UTF-8, as JSON has to be: byte 14 is 0xC3"},
        {"[]", "", "array"},
        {"{}", "messages", "must be a list"},
        {R"({"messages": "hi"})", "messages", "must be a list"},
        {R"({"messages": []})", "messages", "empty"},
        {R"({"messages": ["hi"]})", "messages[0]", "string"},
        {R"({"messages": [{"content": "hi"}]})", "messages[0].role", "must be a text"},
        {R"({"messages": [{"role": "robot", "content": "hi"}]})", "messages[0].role", "robot"},
        {R"({"messages": [{"role": ")" + std::string(4000000, 'x') + R"(", "content": "hi"}]})",
         "messages[0].role", "xxx ... xxx"},
        {R"({"messages": [{"role": "user"}]})", "messages[0].content", "missing"},
        {R"({"messages": [{"role": "user", "content": 3}]})", "messages[0].content",
         "is 3; a text was needed"},
        {R"({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})",
         "messages[0].content", "text only"},
        {withMessage(R"(, "temperature": "hot")"), "temperature", "string"},
        {withMessage(R"(, "temperature": 2.5)"), "temperature", "between 0 and 2"},
        {withMessage(R"(, "temperature": -1)"), "temperature", "between 0 and 2"},
        {withMessage(R"(, "temperature": 1e999)"), "", "too large"},
        {withMessage(R"(, "top_p": 0)"), "top_p", "above 0"},
        {withMessage(R"(, "top_p": 1.01)"), "top_p", "between"},
        {withMessage(R"(, "top_k": -1)"), "top_k", "between"},
        {withMessage(R"(, "min_p": 1.5)"), "min_p", "between 0 and 1"},
        {withMessage(R"(, "min_p": "low")"), "min_p", "string"},
        {withMessage(R"(, "max_tokens": 0)"), "max_tokens", "between 1"},
        {withMessage(R"(, "max_tokens": 1.5)"), "max_tokens", "whole number"},
        {withMessage(R"(, "max_tokens": 99999999999)"), "max_tokens", "between 1"},
        {withMessage(R"(, "seed": 18446744073709551615)"), "seed", "between"},
        {withMessage(R"(, "seed": "x")"), "seed", "whole number"},
        {withMessage(R"(, "seed": 18446744073709551616)"), "seed", "is 1.8446744073709552e+19"},
        {withMessage(R"(, "stop": "")"), "stop", "not empty"},
        {withMessage(R"(, "stop": [1])"), "stop", "list of such texts"},
        {withMessage(
             R"(, "stop": ["1","2","3","4","5","6","7","8","9","0","a","b","c","d","e",
                         "f","g"])"),
         "stop", "at most 16"},
        {withMessage(R"(, "stream": 1)"), "stream", "true or false"},
        {withMessage(R"(, "n": 2)"), "n", "one answer"},
        {withMessage(R"(, "presence_penalty": 0.5)"), "presence_penalty", "repetition_penalty"},
        {withMessage(R"(, "frequency_penalty": -1)"), "frequency_penalty", "repetition_penalty"},
        {withMessage(R"(, "frequency_penalty": "much")"), "frequency_penalty", "number"},
        {withMessage(R"(, "logit_bias": {"50256": -100})"), "logit_bias", "no tokens"},
        {withMessage(R"(, "logit_bias": 3)"), "logit_bias", "object"},
        {withMessage(R"(, "tools": [{"type": "function"}])"), "tools", "no tools"},
        {withMessage(R"(, "response_format": {"type": "json_object"})"), "response_format",
         "plain text"},
        {withMessage(R"(, "model": 3)"), "model", "text"},
        {"{\"messages\": [{\"role\": \"user\", \"content\": \"\xff\"}]}", "", "not UTF-8"},
    };
    for (const BadRequest& bad : table) {
        SCOPED_TRACE(bad.body.substr(0, 200));
        try {
            parseChatRequest(bad.body);
            ADD_FAILURE() << "was taken";
        } catch (const RequestError& error) {
            EXPECT_EQ(error.parameter(), bad.parameter);
            EXPECT_NE(std::string(error.what()).find(bad.said), std::string::npos) << error.what();
        }
    }
}

TEST(ChatRequest, TakesWhatAsksForNothingThatItLacks) {
    EXPECT_NO_THROW(parseChatRequest(withMessage(
        R"(, "presence_penalty": 0, "frequency_penalty": 0.0, "logit_bias": {}, "n": 1)")));
    EXPECT_NO_THROW(parseChatRequest(withMessage(R"(, "logit_bias": null)")));
}

/// Values this deep cannot be copied, nor printed, without overflowing the stack.
TEST(ChatRequest, RefusesEndlessNesting) {
    const std::string deep = std::string(2000000, '[') + std::string(2000000, ']');
    for (const std::string& body :
         {withMessage(R"(, "stop": )" + deep),
          withMessage(R"(, "response_format": {"type": )" + deep + "}"),
          R"({"messages": [{"role": "user", "content": [{"type": )" + deep + "}]}]}",
          withMessage(R"(, "unknown": )" + deep), deep, std::string(4000000, '[')}) {
        try {
            parseChatRequest(body);
            ADD_FAILURE() << "was taken";
        } catch (const RequestError& error) {
            EXPECT_NE(std::string(error.what()).find("nested"), std::string::npos) << error.what();
        }
    }
}

std::string filtered(const std::vector<std::string>& stops,
                     const std::vector<std::string>& pieces) {
    StopFilter filter(stops);
    std::string text;
    for (const std::string& piece : pieces) {
        text += filter.push(piece);
    }
    return text + (filter.found() ? "|" : filter.finish());
}

TEST(StopFilter, EndsAtAStopHoweverItIsCut) {
    EXPECT_EQ(filtered({}, {"all ", "of it"}), "all of it");
    EXPECT_EQ(filtered({"END"}, {"one EN", "D two"}), "one |");
    EXPECT_EQ(filtered({"END"}, {"E", "N", "D"}), "|");
    EXPECT_EQ(filtered({"END"}, {"one EN", "trance"}), "one ENtrance");
    EXPECT_EQ(filtered({"END"}, {"one EN"}), "one EN");
    EXPECT_EQ(filtered({"aab"}, {"a", "a", "a", "b"}), "a|");
    EXPECT_EQ(filtered({"xyz", "y"}, {"ax", "y", "z"}), "ax|") << "the earlier end wins";
}

TEST(StopFilter, DoesNotDependOnTheCuts) {
    const std::string text = "abcabdababcabcdx";
    std::mt19937 random(3);
    for (int round = 0; round < 200; ++round) {
        std::vector<std::string> pieces;
        for (size_t at = 0; at < text.size();) {
            const size_t length = 1 + random() % 4;
            pieces.push_back(text.substr(at, length));
            at += length;
        }
        ASSERT_EQ(filtered({"abcd", "bcabcd"}, pieces), "abcabdaba|");
    }
}

TEST(LoopbackGuard, KnowsItsOwnNames) {
    for (const char* host : {"127.0.0.1:8080", "localhost:1", "LOCALHOST:65535", "[::1]:80",
                             "localhost", "127.0.0.1"}) {
        EXPECT_TRUE(isOwnHost(host, OwnNames{"127.0.0.1"})) << host;
    }
    for (const char* host :
         {"", "evil.example:8080", "127.0.0.1.evil.example:8080", "localhost.evil:1",
          "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", "127.0.0.1:80x", "[::1", "::1",
          "0.0.0.0:80", "127.0.0.2:80", "localhost:80:80"}) {
        EXPECT_FALSE(isOwnHost(host, OwnNames{"127.0.0.1"})) << host;
    }
    EXPECT_TRUE(isOwnHost("192.168.0.7:8080", OwnNames{"192.168.0.7"}));
    EXPECT_TRUE(isOwnHost("[fe80::1]:8080", OwnNames{"fe80::1"}));
}

TEST(LoopbackGuard, TakesOnlyItsOwnPages) {
    EXPECT_TRUE(isOwnOrigin("http://127.0.0.1:8080", "127.0.0.1:8080", OwnNames{""}));
    EXPECT_TRUE(isOwnOrigin("http://localhost:8080", "127.0.0.1:8080", OwnNames{""}));
    for (const char* origin :
         {"null", "", "http://evil.example", "http://127.0.0.1:8081", "http://127.0.0.1",
          "https://127.0.0.1:8080", "http://127.0.0.1:8080.evil.example", "file://"}) {
        EXPECT_FALSE(isOwnOrigin(origin, "127.0.0.1:8080", OwnNames{""})) << origin;
    }
}

} // namespace
} // namespace caldera
