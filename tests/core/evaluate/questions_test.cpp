#include "core/evaluate/questions.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/file.h"

using namespace caldera;
namespace fs = std::filesystem;

namespace {

class Questions : public testing::Test {
protected:
    Questions() : folder_("/tmp/caldera-questions-" + std::to_string(::getpid())) {
        fs::create_directories(folder_);
    }
    ~Questions() override { fs::remove_all(folder_); }

    fs::path file(const std::string& name, const std::string& text) const {
        writeFileAtomically(folder_ / name, text);
        return folder_ / name;
    }
    Question only(std::string line) const {
        std::erase(line, '\n');
        return readQuestions(file("q.jsonl", line + "\n")).at(0);
    }
    /// Code and sentence.
    std::string complaint(const std::string& text, const std::string& labels = {}) const {
        try {
            readQuestions(file("q.jsonl", text), labels.empty() ? "" : file("labels", labels));
        } catch (const Error& error) {
            return error.code() + " " + error.what();
        }
        return "";
    }

    fs::path folder_;
};

} // namespace

TEST_F(Questions, OursAreTakenAsTheyStand) {
    const Question question =
        only(R"({"context": "A b", "choices": [" c", " d", "e"], "answer": 2})");
    EXPECT_EQ(question.choices, (std::vector<Choice>{{"A b", " c"}, {"A b", " d"}, {"A b", "e"}}));
    EXPECT_EQ(question.answer, 2);
    const Question ends = only(R"({"contexts": ["A", "B"], "continuation": " x", "answer": 1})");
    EXPECT_EQ(ends.choices, (std::vector<Choice>{{"A", " x"}, {"B", " x"}}));
}

TEST_F(Questions, TextsThatAreNoUtf8AreNamedByTheirPlace) {
    const std::string bad =
        complaint("{\"context\": \"a\", \"choices\": [\" b\", \" c\"], \"answer\": 0}\n"
                  "{\"context\": \"\xE9\"}\n");
    EXPECT_NE(bad.find("text.not-utf8"), std::string::npos) << bad;
    EXPECT_NE(bad.find("(line 2) is 0xE9"), std::string::npos) << bad;
}

TEST_F(Questions, PublishedFormsBecomeTheUsualPrompts) {
    const Question piqa = only(R"({"goal": "Cut", "sol1": "so", "sol2": "or so", "label": 1})");
    EXPECT_EQ(piqa.choices[1], (Choice{"Question: Cut\nAnswer:", " or so"}));
    EXPECT_EQ(piqa.answer, 1);
    const Question swag = only(
        R"({"activity_label": "Baking", "ctx_a": "She [header] stirs.", "ctx_b": "she, Ann",
            "ctx": "unused", "endings": ["eats [title] it", "waits"], "label": "1"})");
    EXPECT_EQ(swag.choices[0], (Choice{"Baking: She stirs. She, ann", " eats. it"}));
    EXPECT_EQ(swag.answer, 1);
    const Question arc = only(
        R"({"question": {"stem": "Hot?", "choices": [{"text": "sun", "label": "A"},
            {"text": "ice", "label": "B"}]}, "answerKey": "B"})");
    EXPECT_EQ(arc.choices[0], (Choice{"Question: Hot?\nAnswer:", " sun"}));
    EXPECT_EQ(arc.answer, 1);
    const Question hub = only(
        R"({"question": "Hot?", "choices": {"text": ["sun", "ice"], "label": ["1", "2"]},
            "answerKey": "1"})");
    EXPECT_EQ(hub.choices, arc.choices);
    EXPECT_EQ(hub.answer, 0);
    const Question gap =
        only(R"({"sentence": "Jo met _ there.", "option1": "Al", "option2": "Bo", "answer": "2"})");
    EXPECT_EQ(gap.choices,
              (std::vector<Choice>{{"Jo met Al", " there."}, {"Jo met Bo", " there."}}));
    EXPECT_EQ(gap.answer, 1);
}

TEST_F(Questions, AnswersMayStandApart) {
    const std::string line = R"({"goal": "g", "sol1": "a", "sol2": "b"})";
    const auto questions =
        readQuestions(file("q.jsonl", line + "\n" + line + "\n\n"), file("l", "1\n0\n"));
    ASSERT_EQ(questions.size(), 2U);
    EXPECT_EQ(questions[0].answer, 1);
    EXPECT_EQ(questions[1].answer, 0);
    EXPECT_EQ(readQuestions(file("q.jsonl", line + "\n" + line), file("l", "1\n0\n"), 1).size(),
              1U);
    EXPECT_EQ(complaint(line, "1\n0\n").find("questions.labels"), 0U);
    EXPECT_EQ(complaint(line, "one\n").find("questions.labels"), 0U);
    EXPECT_NE(complaint(line).find("--labels"), std::string::npos);
}

TEST_F(Questions, WhatCannotBeReadIsNamedWithItsLine) {
    const std::string good = R"({"context": "A", "choices": ["b", "c"], "answer": 0})";
    for (const char* bad :
         {"",
          "{",
          "[]",
          "7",
          "{}",
          R"({"context": "A", "choices": ["b"], "answer": 0})",
          R"({"context": "A", "choices": ["b", 3], "answer": 0})",
          R"({"context": "A", "choices": ["b", ""], "answer": 0})",
          R"({"context": "", "choices": ["b", "c"], "answer": 0})",
          R"({"context": "A", "choices": ["b", "c"], "answer": 2})",
          R"({"context": "A", "choices": ["b", "c"], "answer": -1})",
          R"({"context": "A", "choices": ["b", "c"], "answer": "x"})",
          R"({"context": "A", "choices": ["b", "c"], "answer": 4294967296})",
          R"({"context": "A", "choices": ["b", "c"], "answer": 18446744073709551616})",
          R"({"context": "A", "choices": ["b", "c"], "answer": 0.5})",
          R"({"context": "A", "choices": ["b", "\ud800"], "answer": 0})",
          R"({"sentence": "a _ b", "option1": "a", "option2": "b", "answer": "-2147483648"})",
          R"({"context": "A", "choices": ["b", "c"]})",
          R"({"question": 3})",
          R"({"question": {"stem": "a", "choices": [1]}, "answerKey": "A"})",
          R"({"question": "a", "choices": {"text": ["x", "y"], "label": ["A", "B"]},
              "answerKey": "C"})",
          R"({"sentence": "no gap", "option1": "a", "option2": "b", "answer": "1"})"}) {
        std::string line = bad;
        std::erase(line, '\n');
        const std::string said = complaint(good + "\n" + line + "\n" + good + "\n");
        EXPECT_EQ(said.find("questions.line "), 0U) << bad << ": " << said;
        EXPECT_NE(said.find("q.jsonl:2"), std::string::npos) << said;
    }
    EXPECT_EQ(complaint("\n \n").find("questions.empty"), 0U);
}
