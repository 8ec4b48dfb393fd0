// What `caldera evaluate` refuses before it reads a model.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/evaluate/reference_store.h"
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

} // namespace
} // namespace caldera::cli
