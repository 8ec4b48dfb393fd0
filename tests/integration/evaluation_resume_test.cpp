// kill -9 in the middle of `caldera evaluate`, then the same command again: the report is the same.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "core/report/report.h"
#include "tests/support/program.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using test::Program;

class EvaluationResumeProgram : public testing::Test {
protected:
    EvaluationResumeProgram() {
        std::ofstream task(scratch_ / "task.jsonl");
        for (int i = 0; i < 24; ++i) {
            const std::string number = std::to_string(i);
            task << R"({"goal": "The story of day )" << number
                 << R"( began when the little girl went to", "sol1": "the park", "sol2": "bed )"
                 << number << "\"}\n";
            labels_ << i % 2 << "\n";
        }
    }

    /// A text, which the model passes beside itself, and a task.
    std::vector<std::string> evaluateTo(const fs::path& out) const {
        const std::string model = (fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model").string();
        return {"evaluate",     model,
                "--reference",  model,
                "--text",       model + "/heldout.txt",
                "--max-tokens", "6000",
                "--context",    "256",
                "--task",       (scratch_ / "task.jsonl").string(),
                "--labels",     (scratch_ / "labels.txt").string(),
                "--threads",    "1",
                "--out",        out.string()};
    }

    static bool holds(const fs::path& folder, const std::string& extension) {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(folder, ignored)) {
            if (entry.path().extension() == extension) {
                return true;
            }
        }
        return false;
    }

    /// Kills a run as soon as something has happened in its work folder.
    void killOnce(const fs::path& out, const std::function<bool()>& happened) const {
        Program program(evaluateTo(out));
        while (program.running() && !happened()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        ASSERT_TRUE(happened()) << "it ended before";
        program.kill();
        ASSERT_FALSE(fs::exists(out)) << "no report until it is whole";
    }

    test::ScratchFolder scratch_;
    std::ofstream labels_{scratch_ / "labels.txt"};
};

TEST_F(EvaluationResumeProgram, AfterKillGivesTheSameReport) {
    labels_.close();
    const fs::path whole = scratch_ / "whole.h5";
    ASSERT_EQ(Program(evaluateTo(whole)).exitCode(), 0);
    EXPECT_FALSE(fs::exists(scratch_ / "whole.h5.work"));

    const fs::path out = scratch_ / "resumed.h5";
    const fs::path work = scratch_ / "resumed.h5.work";
    const auto isScored = [&] { return holds(work / "cells", ".h5"); };
    killOnce(out, [&] { return holds(work / "hidden", ".json") || isScored(); }); // in the text
    killOnce(out, isScored); // in the text's last part, or in the task
    ASSERT_EQ(Program(evaluateTo(out)).exitCode(), 0);
    EXPECT_FALSE(fs::exists(work));

    const Report expected = readReport(whole);
    const Report resumed = readReport(out);
    ASSERT_EQ(expected.evaluations.size(), 2U);
    ASSERT_EQ(resumed.evaluations.size(), 2U);
    for (size_t i = 0; i < 2; ++i) {
        EvaluationRecord a = expected.evaluations[i];
        EvaluationRecord b = resumed.evaluations[i];
        a.numbers.erase("seconds");
        b.numbers.erase("seconds");
        EXPECT_EQ(a.numbers, b.numbers) << a.name;
        EXPECT_EQ(a.layers, b.layers) << a.name;
    }
}

} // namespace
} // namespace caldera
