#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/job/job_folder.h"
#include "tests/app/cli/run_command.h"

namespace caldera::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::HasSubstr;

class CalibrateCommand : public testing::Test {
protected:
    void TearDown() override { fs::remove_all(folder_); }

    Result calibrate(const std::vector<std::string>& patterns) const {
        std::vector<std::string> words = {"calibrate",
                                          std::string(CALDERA_SOURCE_DIR) + "/resources/demo-model",
                                          "--calibration-tokens",
                                          "128",
                                          "--out",
                                          folder_.string(),
                                          "--json"};
        for (const std::string& pattern : patterns) {
            words.insert(words.end(), {"--cell", pattern});
        }
        return runCommandLine(words, addCalibrateCommand);
    }

    fs::path folder_ = fs::path(testing::TempDir()) / newJobId();
};

TEST_F(CalibrateCommand, WritesWhatDecomposeReads) {
    const Result made = calibrate({"model.layers.0.mlp.*", "*.0.self_attn.k_proj"});
    ASSERT_EQ(made.exitCode, 0) << made.err;
    const Json files = Json::parse(made.out).at("files");
    ASSERT_EQ(files.size(), 4U);
    const auto first = files.front().get<std::string>();
    EXPECT_EQ(fs::path(first).filename(), "model.layers.0.self_attn.k_proj.safetensors");
    const Result read =
        runCommandLine({"decompose", "--weight", first, "--rank", "0", "--codec", "e8p", "--json"},
                       addDecomposeCommand);
    ASSERT_EQ(read.exitCode, 0) << read.err;
    const Json report = Json::parse(read.out);
    EXPECT_EQ(report.at("rows"), 64);
    EXPECT_GT(report.at("relative_error"), 0.01);
    EXPECT_LT(report.at("relative_error"), 0.4);
}

TEST_F(CalibrateCommand, RefusesAPatternThatMatchesNothing) {
    const Result refused = calibrate({"model.layers.0.mlp.*", "model.layers.0.mpl.*"});
    EXPECT_EQ(refused.exitCode, 1);
    const Json error = Json::parse(refused.out).at("error");
    EXPECT_EQ(error.at("code"), "calibrate.no-match");
    EXPECT_THAT(error.at("message"), HasSubstr("\"model.layers.0.mpl.*\" matches no cell"));
    EXPECT_FALSE(fs::exists(folder_));
}

} // namespace
} // namespace caldera::cli
