// kill -9 in the middle of `caldera fidelity`, then --resume: the report is the same.
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "core/report/report.h"
#include "tests/support/program.h"
#include "tests/support/same_fidelity.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;
using test::Program;

class FidelityResume : public testing::Test {
protected:
    static constexpr size_t kLayers = 8;

    void SetUp() override { fs::create_directories(root_); }
    void TearDown() override { fs::remove_all(root_); }

    std::vector<std::string> measureTo(const fs::path& out) const {
        return {"fidelity",
                (fs::path(CALDERA_SOURCE_DIR) / "resources/demo-model").string(),
                "--metric",
                "proxy,kl,sipit,lens",
                "--options",
                "2,4x0,16",
                "--calibration-tokens",
                "512",
                "--text-tokens",
                "256",
                "--window",
                "64",
                "--places",
                "16",
                "--candidates",
                "16",
                "--negatives",
                "64",
                "--threads",
                "1",
                "--out",
                out.string()};
    }
    static size_t layersIn(const fs::path& work) {
        std::error_code error;
        size_t count = 0;
        for (const auto& entry : fs::directory_iterator(work / "cells", error)) {
            count += entry.path().extension() == ".h5" ? 1 : 0;
        }
        return count;
    }

    fs::path root_ = fs::temp_directory_path() / ("caldera-fidelity-" + std::to_string(::getpid()));
};

TEST_F(FidelityResume, AfterKillGivesTheSameReport) {
    const fs::path whole = root_ / "whole.h5";
    ASSERT_EQ(Program(measureTo(whole)).exitCode(), 0);

    const fs::path out = root_ / "resumed.h5";
    const fs::path work = root_ / "resumed.h5.work";
    size_t finished = 0;
    for (const size_t untilLayers : {1U, 4U}) {
        std::vector<std::string> words = measureTo(out);
        if (finished > 0) {
            words.emplace_back("--resume");
        }
        Program program(words);
        while (program.running() && layersIn(work) < untilLayers) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        program.kill();
        finished = layersIn(work);
        ASSERT_GE(finished, untilLayers);
        ASSERT_LT(finished, kLayers);
        EXPECT_FALSE(fs::exists(out)) << "no report until it is whole";
    }
    EXPECT_EQ(Program(measureTo(out)).exitCode(), 1) << "without --resume";
    std::vector<std::string> words = measureTo(out);
    words.emplace_back("--resume");
    ASSERT_EQ(Program(words).exitCode(), 0);
    EXPECT_FALSE(fs::exists(work));

    const Report expected = readReport(whole);
    const Report resumed = readReport(out);
    ASSERT_EQ(expected.fidelity.size(), 4U);
    for (const FidelityMetric& metric : expected.fidelity) {
        EXPECT_EQ(metric.values.size(), 7 * kLayers) << metric.name;
    }
    test::expectSameFidelity(expected, resumed);
}

} // namespace
} // namespace caldera
