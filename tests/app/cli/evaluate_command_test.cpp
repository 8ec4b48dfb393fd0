// What `caldera evaluate` refuses, and what it keeps of the file that its report goes to.
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/base/file.h"
#include "core/evaluate/reference_store.h"
#include "core/report/find_metric.h"
#include "tests/app/cli/run_command.h"
#include "tests/support/scratch_folder.h"

namespace caldera::cli {
namespace {

using ::testing::HasSubstr;

Result evaluate(std::vector<std::string> words) {
    words.insert(words.begin(), "evaluate");
    return runCommandLine(words, addEvaluateCommand);
}

TEST(EvaluateCommand, KeptPredictionsOfATextAreNoReferenceForQuestions) {
    const test::ScratchFolder root;
    ReferenceFacts facts;
    facts.name = "large";
    const ReferenceStore store = ReferenceStore::create(root.path(), facts);
    const Result result =
        evaluate({"model", "--reference", store.folder().string(), "--task", "q.jsonl"});
    EXPECT_EQ(result.exitCode, 2);
    EXPECT_THAT(result.err, HasSubstr("say nothing of --task"));
}

TEST(EvaluateCommand, ASeedThatAReportWouldChangeIsRefused) {
    EXPECT_THAT(evaluate({"model", "--seed", "9007199254740993"}).err,
                HasSubstr("from 0 to 9007199254740992"));
}

TEST(EvaluateCommand, WhatWouldStopARunIsSaidBeforeIt) {
    const test::ScratchFolder root;
    const std::string model = CALDERA_SOURCE_DIR "/resources/demo-model";
    const std::string questions = (root.path() / "valid.jsonl").string();
    writeFileAtomically(questions, R"({"goal": "To cook", "sol1": "heat it", "sol2": "cool it"})"
                                   "\n");
    EXPECT_THAT(evaluate({model, "--context", "999999", "--check"}).err, HasSubstr("2 to 512"));
    EXPECT_THAT(evaluate({model, "--task", questions, "--check"}).err, HasSubstr("--labels"));
    EXPECT_NE(evaluate({model, "--baseline-unigram", "/nowhere.txt", "--check"}).exitCode, 0);
    writeFileAtomically(root.path() / "valid-labels.lst", "0\n");
    const Result result = evaluate({model, "--task", questions, "--json"});
    EXPECT_EQ(result.exitCode, 0) << "as PIQA is published: " << result.err;
}

TEST(EvaluateCommand, AReferenceOfOtherTokensIsRefusedThoughItHasAsMany) {
    const test::ScratchFolder root;
    const std::filesystem::path model = CALDERA_SOURCE_DIR "/resources/demo-model";
    const std::filesystem::path other = root / "other";
    std::filesystem::copy(model, other, std::filesystem::copy_options::recursive);
    nlohmann::json tokenizer = nlohmann::json::parse(readTextFile(other / "tokenizer.json"));
    nlohmann::json& vocabulary = tokenizer.at("model").at("vocab");
    std::swap(vocabulary.at("e"), vocabulary.at("t"));
    writeFileAtomically(other / "tokenizer.json", tokenizer.dump());
    writeFileAtomically(root / "words.txt", "Water runs down to the sea.");
    const Result result = evaluate({model.string(), "--reference", other.string(), "--text",
                                    (root / "words.txt").string(), "--json"});
    EXPECT_NE(result.exitCode, 0);
    EXPECT_THAT(result.out + result.err, HasSubstr("The vocabularies differ: token"));
}

class EvaluateInto : public testing::Test {
protected:
    EvaluateInto() {
        std::filesystem::copy_file(model() + "/fidelity.h5", out_);
        writeFileAtomically(folder_ / "words.txt", "Water runs down to the sea.");
    }
    static std::string model() { return CALDERA_SOURCE_DIR "/resources/demo-model"; }
    Result run() {
        return evaluate(
            {model(), "--text", (folder_ / "words.txt").string(), "--out", out_.string()});
    }

    const test::ScratchFolder folder_;
    const std::filesystem::path out_ = folder_ / "measured.h5";
};

TEST_F(EvaluateInto, AMeasurementOfTheSameModelStaysInTheFile) {
    const Report before = readReport(out_);
    const Result result = run();
    ASSERT_EQ(result.exitCode, 0) << result.err;
    const Report after = readReport(out_);
    ASSERT_EQ(after.evaluations.size(), 1U);
    EXPECT_EQ(after.evaluations.front().name, "words");
    EXPECT_EQ(after.fidelity.size(), before.fidelity.size());
    for (const FidelityMetric& metric : before.fidelity) {
        ASSERT_NE(findMetric(after, metric.name), nullptr) << metric.name;
        EXPECT_EQ(findMetric(after, metric.name)->values, metric.values);
    }
    EXPECT_EQ(after.cells.size(), before.cells.size());
    EXPECT_EQ(after.run, before.run) << "an evaluation carries its own command";
}

TEST_F(EvaluateInto, AReportOfAnotherModelIsLeftAsItIs) {
    for (const char* fingerprint : {"another", ""}) {
        Report other = readReport(out_);
        other.run["model"] = "smol";
        other.run["fingerprint"] = fingerprint;
        writeReport(other, out_);
        const std::string bytes = readTextFile(out_);
        const Result result = run();
        EXPECT_NE(result.exitCode, 0);
        EXPECT_THAT(result.err, HasSubstr("measured.h5"));
        EXPECT_THAT(result.err, HasSubstr("--out"));
        if (*fingerprint != 0) {
            EXPECT_THAT(result.err, HasSubstr("smol (8 layers) another"));
        }
        EXPECT_TRUE(readTextFile(out_) == bytes);
    }
}

} // namespace
} // namespace caldera::cli
