#include "core/model/tokenizer.h"

#include <chrono>
#include <random>
#include <stop_token>
#include <thread>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/model/byte_level.h"
#include "core/model/model.h"
#include "core/model/tokenizer_data.h"
#include "tests/core/model/test_support.h"
#include "tests/support/sample_model.h"

using namespace caldera;
using caldera::test::codeOf;
using caldera::test::golden;
using Json = nlohmann::json;
using Special = Tokenizer::Special;

namespace {

const Json& goldenStrings() {
    static const Json strings = Json::parse(readTextFile(golden("tokenizer/strings.json")));
    return strings;
}

std::shared_ptr<const Tokenizer> goldenTokenizer(const std::string& name) {
    const auto path = golden("tokenizer") / (name + ".json");
    return Tokenizer::fromJson(Json::parse(readTextFile(path)), path.string());
}

std::string digest(const std::vector<Token>& tokens) {
    return sha256Hex(std::as_bytes(std::span(tokens))).substr(0, 8);
}

std::string tokensText(const std::vector<Token>& tokens) {
    return Json(tokens).dump();
}

/// Compares with the ids of Hugging Face's `tokenizers`, by their digests.
void expectGoldenIds(const Tokenizer& tokenizer, const std::string& name) {
    const Json digests = Json::parse(readTextFile(golden("tokenizer/digests.json")));
    const auto expected = digests.at(name).get<std::string>();
    const Json& strings = goldenStrings();
    ASSERT_GE(strings.size(), 2000U);
    ASSERT_EQ(expected.size(), strings.size() * 16);
    int differing = 0;
    for (size_t i = 0; i < strings.size() && differing < 20; ++i) {
        const auto text = strings[i].get<std::string>();
        for (const Special special : {Special::Parse, Special::AsText}) {
            const auto tokens = tokenizer.encode(text, special);
            const size_t at = i * 16 + (special == Special::Parse ? 0 : 8);
            if (digest(tokens) != expected.substr(at, 8)) {
                ++differing;
                ADD_FAILURE() << name << (special == Special::Parse ? "" : " as text")
                              << ", string " << i << ": " << Json(text).dump(-1, ' ', true)
                              << "\n-> " << tokensText(tokens);
            }
        }
    }
}

Json smallTokenizer() {
    return Json::parse(R"({
        "added_tokens": [{"id": 5, "content": "<end>", "special": true}],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4},
                  "merges": ["a b", "Ġ ab"]}})");
}

std::string codeWith(const std::string& pointer, const Json& value) {
    Json json = smallTokenizer();
    json[Json::json_pointer(pointer)] = value;
    return codeOf([&] { Tokenizer::fromJson(json, "tokenizer.json"); });
}

} // namespace

class GoldenTokenizer : public testing::TestWithParam<const char*> {};

TEST_P(GoldenTokenizer, GivesTheIdsOfHuggingFace) {
    expectGoldenIds(*goldenTokenizer(GetParam()), GetParam());
}

TEST_P(GoldenTokenizer, ItsJsonReadsBackToTheSameTokenizer) {
    const auto tokenizer = goldenTokenizer(GetParam());
    const auto again = Tokenizer::fromJson(Json::parse(tokenizer->json()), "again");
    EXPECT_EQ(again->json(), tokenizer->json());
    EXPECT_EQ(again->size(), tokenizer->size());
    expectGoldenIds(*again, GetParam());
}

INSTANTIATE_TEST_SUITE_P(Kinds, GoldenTokenizer,
                         testing::Values("qwen2", "llama3", "gpt2", "options"),
                         [](const auto& instance) { return std::string(instance.param); });

TEST(Tokenizer, DecodingGivesBackTheText) {
    const auto gpt2 = goldenTokenizer("gpt2");
    const auto qwen2 = goldenTokenizer("qwen2");
    for (const Json& json : goldenStrings()) {
        const auto text = json.get<std::string>();
        EXPECT_EQ(gpt2->decode(gpt2->encode(text, Special::AsText)), text);
        EXPECT_EQ(gpt2->decode(gpt2->encode(text), false), text);
        EXPECT_EQ(qwen2->decode(qwen2->encode(text, Special::AsText)), composed(text));
    }
}

TEST(Tokenizer, RandomBytesDecodeToTheirValidForm) {
    const uint32_t seed = 7;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto tokenizer = goldenTokenizer("gpt2");
    for (int round = 0; round < 500; ++round) {
        std::string bytes(random() % 40, '\0');
        for (char& byte : bytes) {
            byte = static_cast<char>(random());
        }
        EXPECT_EQ(tokenizer->decode(tokenizer->encode(bytes, Special::AsText)), validUtf8(bytes));
    }
}

TEST(Tokenizer, LongRunsAreCutInGoodTime) {
    for (const char* name : {"qwen2", "llama3", "gpt2"}) {
        const auto tokenizer = goldenTokenizer(name);
        for (const char* unit : {" ", "a", "\n", "\u3000", "1", ".", "\u0301"}) {
            std::string text;
            while (text.size() < 250000) {
                text += unit;
            }
            EXPECT_EQ(tokenizer->decode(tokenizer->encode(text, Special::AsText)), text) << name;
        }
    }
}

/// One piece without end, and very many pieces: each is cut in other loops.
TEST(Tokenizer, AStopEndsALongTextAtOnce) {
    const auto tokenizer = goldenTokenizer("qwen2");
    for (const char* unit : {" ", "a b"}) {
        std::string text;
        while (text.size() < 8000000) {
            text += unit;
        }
        std::stop_source source;
        const std::jthread stopper([&source] {
            std::this_thread::sleep_for(std::chrono::milliseconds(300)); // somewhere in it
            source.request_stop();
        });
        const auto begin = std::chrono::steady_clock::now();
        EXPECT_THROW(tokenizer->encode(text, Special::AsText, source.get_token()), Cancelled);
        EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2)) << unit;
    }
}

TEST(Tokenizer, KnowsItsSpecialTokens) {
    const auto tokenizer = goldenTokenizer("qwen2");
    const auto end = tokenizer->find("<|im_end|>");
    ASSERT_TRUE(end.has_value());
    EXPECT_TRUE(tokenizer->isSpecial(*end));
    EXPECT_EQ(tokenizer->encode("<|im_end|>"), std::vector<Token>{*end});
    EXPECT_GT(tokenizer->encode("<|im_end|>", Special::AsText).size(), 1U);
    const auto tool = tokenizer->find("<tool_call>");
    ASSERT_TRUE(tool.has_value());
    EXPECT_FALSE(tokenizer->isSpecial(*tool));
    EXPECT_EQ(tokenizer->size(), 1405);
    EXPECT_EQ(tokenizer->find("absent"), std::nullopt);
    EXPECT_FALSE(tokenizer->isSpecial(-1));
    EXPECT_FALSE(tokenizer->isSpecial(1405));
    const std::vector<Token> tokens = {*end, *tool, -5, 99999};
    EXPECT_EQ(tokenizer->decode(tokens), "<tool_call>");
    EXPECT_EQ(tokenizer->decode(tokens, false), "<|im_end|><tool_call>");
}

TEST(Tokenizer, OnlyWholeTextsGetTheBeginToken) {
    const auto tokenizer = goldenTokenizer("llama3");
    const auto begin = tokenizer->find("<|begin_of_text|>");
    ASSERT_TRUE(begin.has_value());
    EXPECT_EQ(tokenizer->encode(""), std::vector<Token>{*begin});
    EXPECT_TRUE(tokenizer->encode("", Special::AsText).empty());
}

TEST(Tokenizer, ReadsMergesInBothNotations) {
    Json json = smallTokenizer();
    const auto old = Tokenizer::fromJson(json, "old");
    json["model"]["merges"] = Json::parse(R"([["a", "b"], ["Ġ", "ab"]])");
    const auto current = Tokenizer::fromJson(json, "current");
    EXPECT_EQ(old->encode("ab ab<end>"), (std::vector<Token>{2, 4, 5}));
    EXPECT_EQ(current->encode("ab ab<end>"), (std::vector<Token>{2, 4, 5}));
    EXPECT_EQ(current->encode("axb"), (std::vector<Token>{2})) << "unknown bytes vanish";
}

TEST(Tokenizer, RefusesWhatItCannotReadFaithfully) {
    EXPECT_EQ(codeWith("/model/type", "Unigram"), "tokenizer.model");
    EXPECT_EQ(codeWith("/model/byte_fallback", true), "tokenizer.model");
    EXPECT_EQ(codeWith("/model/end_of_word_suffix", "</w>"), "tokenizer.model");
    EXPECT_EQ(codeWith("/model/dropout", 0.1), "tokenizer.model");
    EXPECT_EQ(codeWith("/model/vocab", Json::object()), "tokenizer.vocabulary");
    EXPECT_EQ(codeWith("/model/vocab/a", -1), "tokenizer.id");
    EXPECT_EQ(codeWith("/model/vocab/a", 4000000000), "tokenizer.id");
    EXPECT_EQ(codeWith("/model/vocab/a", "0"), "tokenizer.id");
    EXPECT_EQ(codeWith("/model/merges", Json::object()), "tokenizer.merge");
    EXPECT_EQ(codeWith("/model/merges/0", "a c"), "tokenizer.merge");
    EXPECT_EQ(codeWith("/model/merges/0", "b a"), "tokenizer.merge");
    EXPECT_EQ(codeWith("/model/merges/0", "ab"), "tokenizer.merge");
    EXPECT_EQ(codeWith("/model/merges/0", 3), "tokenizer.merge");
    EXPECT_EQ(codeWith("/normalizer", {{"type", "Lowercase"}}), "tokenizer.normalizer");
    EXPECT_EQ(codeWith("/pre_tokenizer", nullptr), "tokenizer.pre-tokenizer");
    EXPECT_EQ(codeWith("/pre_tokenizer", {{"type", "Whitespace"}}), "tokenizer.pre-tokenizer");
    EXPECT_EQ(codeWith("/pre_tokenizer", {{"type", "Digits"}}), "tokenizer.pre-tokenizer");
    const Json split = {
        {"type", "Split"}, {"pattern", {{"Regex", "(a"}}}, {"behavior", "Isolated"}};
    EXPECT_EQ(codeWith("/pre_tokenizer", split), "tokenizer.regex");
    EXPECT_EQ(codeWith("/added_tokens", Json::object()), "tokenizer.added-token");
    EXPECT_EQ(codeWith("/added_tokens/0", 3), "tokenizer.added-token");
    EXPECT_EQ(codeWith("/added_tokens/0/id", 1e12), "tokenizer.id");
    EXPECT_EQ(codeWith("/post_processor", {{"type", "TemplateProcessing"}}),
              "tokenizer.post-processor");
    EXPECT_EQ(codeOf([] { Tokenizer::fromJson(Json::array(), "x"); }), "tokenizer.format");
    EXPECT_EQ(codeOf([] { Tokenizer::fromJson(smallTokenizer(), "x"); }), "");
}

TEST(Tokenizer, ARunawayPatternIsAnErrorNotAHang) {
    Json json = smallTokenizer();
    json["pre_tokenizer"] = {
        {"type", "Sequence"},
        {"pretokenizers",
         {{{"type", "Split"}, {"pattern", {{"Regex", "(a+)+$"}}}, {"behavior", "Isolated"}},
          json["pre_tokenizer"]}}};
    const auto tokenizer = Tokenizer::fromJson(json, "tokenizer.json");
    EXPECT_EQ(codeOf([&] { tokenizer->encode(std::string(5000, 'a') + "b"); }), "tokenizer.regex");
}

TEST(Utf8Stream, HoldsBackUntilACharacterIsWhole) {
    const std::string text = "aé東😀!";
    Utf8Stream stream;
    std::string out;
    for (const char byte : text) {
        const std::string part = stream.push(std::string_view(&byte, 1));
        EXPECT_EQ(validUtf8(part), part);
        out += part;
    }
    EXPECT_EQ(out + stream.finish(), text);
}

TEST(Utf8Stream, ReplacesWhatIsMalformed) {
    const auto valid = [](std::string_view bytes) { return validUtf8(bytes); };
    const std::string mark = "\xEF\xBF\xBD";
    EXPECT_EQ(valid("a\xFF"), "a" + mark);
    EXPECT_EQ(valid("\xC3"), mark);
    EXPECT_EQ(valid("\xC3("), mark + "(");
    EXPECT_EQ(valid("\xE2\x82"), mark);
    EXPECT_EQ(valid("\xE2\x82x"), mark + "x");
    EXPECT_EQ(valid("\xED\xA0\x80"), mark + mark + mark); // a surrogate
    EXPECT_EQ(valid("\xC0\x80"), mark + mark);            // an over-long form
    EXPECT_EQ(valid("\xF4\x90\x80\x80"), mark + mark + mark + mark);
    EXPECT_EQ(valid("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80");
    EXPECT_EQ(valid(std::string_view("\0a", 2)), std::string("\0a", 2));
    Utf8Stream stream;
    EXPECT_EQ(stream.push("\xF0\x9F"), "");
    EXPECT_EQ(stream.finish(), mark);
    EXPECT_EQ(stream.finish(), "");
}

TEST(SampleModel, TokenizesAsHuggingFaceDoes) {
    const auto path = test::sampleModel();
    ASSERT_FALSE(path.empty()) << test::kNoSampleModel;
    const auto model = openModel(path);
    expectGoldenIds(*model->tokenizer, "smollm2");
    const auto exported = Tokenizer::fromJson(Json::parse(model->tokenizer->json()), "exported");
    expectGoldenIds(*exported, "smollm2");
}
