#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/cli/run_command.h"
#include "tests/support/scratch_folder.h"

namespace caldera::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SkyTaskCommand : public testing::Test {
protected:
    static Result task(const std::vector<std::string>& job) {
        std::vector<std::string> words{
            "sky-task",        "--worker-url",       "https://example.org/worker.tar.gz",
            "--worker-sha256", std::string(64, '0'), "--"};
        words.insert(words.end(), job.begin(), job.end());
        return runCommandLine(words, [](CommandLine& commands) {
            addCompressCommand(commands);
            addEvaluateCommand(commands);
            addSkyTaskCommand(commands);
        });
    }
    std::string file(const char* name, const std::string& text = "") const {
        std::ofstream(root_.path() / name) << text;
        return (root_.path() / name).string();
    }

    test::ScratchFolder root_;
};

TEST_F(SkyTaskCommand, NamesEveryFileThatIsNotHere) {
    const std::string plan = file("plan.yaml", "format: caldera-plan/1\n");
    const std::string missing = (root_.path() / "nowhere").string();
    const auto refused = [&](const std::vector<std::string>& job, const std::string& option) {
        const Result result = task(job);
        EXPECT_EQ(result.exitCode, 1);
        EXPECT_EQ(result.out, "");
        EXPECT_THAT(result.err, HasSubstr(option + " of the task names "));
    };
    refused({"compress", "org/m", "--plan", missing, "--out", "o"}, "--plan");
    refused({"compress", "org/m", "--plan=" + missing, "--out", "o"}, "--plan");
    refused({"compress", "--plan", plan, "--calibration-text", missing, "org/m"},
            "--calibration-text");
    refused({"compress", "org/m", "--plan", root_.path().string()}, "--plan");
    refused({"evaluate", "org/m", "--task", plan, missing}, "--task");
    const Result whole = task({"compress", "org/m", "--plan=" + plan, "--calibration-text",
                               "builtin", "--out", "nowhere"});
    EXPECT_EQ(whole.exitCode, 0) << whole.err;
    EXPECT_THAT(whole.out, HasSubstr("'--plan' '/tmp/caldera-files/plan.yaml'"));
}

TEST_F(SkyTaskCommand, LooksIntoThePlan) {
    const Result none = task({"compress", "org/m", "--plan", file("bad.yaml", "bits: [")});
    EXPECT_EQ(none.exitCode, 1);
    const std::string text = file("t.txt", "words");
    const std::string plan = file("p.yaml", "format: caldera-plan/1\ncalibration: {text: t.txt}\n");
    const Result left = task({"compress", "org/m", "--plan", plan});
    EXPECT_EQ(left.exitCode, 1);
    EXPECT_THAT(left.err, HasSubstr("calibrates on t.txt, which does not travel"));
    const Result named = task({"compress", "org/m", "--plan", plan, "--calibration-text", text});
    EXPECT_EQ(named.exitCode, 0) << named.err;
}

TEST_F(SkyTaskCommand, SendsAFileOnceAndNoTwoOfOneName) {
    const std::string text = file("t.txt", "words");
    const Result twice = task({"evaluate", "org/m", "--text", text, "--baseline-unigram", text});
    EXPECT_EQ(twice.exitCode, 0) << twice.err;
    std::filesystem::create_directory(root_.path() / "b");
    const std::string other = file("b/t.txt", "others");
    EXPECT_EQ(task({"evaluate", "org/m", "--text", text, "--baseline-unigram", other}).exitCode, 1);
}

TEST_F(SkyTaskCommand, RefusesACommandThatThereIsNot) {
    const Result result = task({"compres", "org/m"});
    EXPECT_EQ(result.exitCode, 2);
    EXPECT_THAT(result.err, HasSubstr("`compres` is no command of caldera"));
}

} // namespace
} // namespace caldera::cli
