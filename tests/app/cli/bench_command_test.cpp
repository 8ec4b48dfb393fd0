#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file.h"
#include "core/job/job_folder.h"
#include "core/model/module.h"
#include "tests/app/cli/run_command.h"

namespace caldera::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;

Result bench(std::vector<std::string> words) {
    words.insert(words.begin(), "bench");
    return runCommandLine(words, addBenchCommand);
}

TEST(BenchCompress, TimesEveryStageOfABlock) {
    const fs::path work = fs::path(testing::TempDir()) / newJobId();
    const Result timed = bench({"compress", "--shape", "demo", "--tokens", "64",
                                "--sequence-length", "16", "--rank", "16", "--outer-iterations",
                                "1", "--threads", "1", "--work", work.string(), "--json"});
    ASSERT_EQ(timed.exitCode, 0) << timed.err;
    const Json result = Json::parse(timed.out);
    double sum = 0;
    for (const char* stage : {"read", "forward", "basis", "decompose", "write", "hidden states"}) {
        EXPECT_GT(result.at("stages").at(stage), 0) << stage;
        sum += result.at("stages").at(stage).get<double>();
    }
    EXPECT_NEAR(result.at("seconds").get<double>(), sum, 1e-9);
    EXPECT_NEAR(result.at("model_seconds").get<double>(), 8 * sum, 1e-8);
    ASSERT_EQ(result.at("matrices").size(), 7U);
    for (const Json& matrix : result.at("matrices")) {
        EXPECT_LT(matrix.at("relative_error"), 0.5) << matrix;
        EXPECT_TRUE(
            fs::exists(work / (cellName({0, *parseModule(matrix.at("module").get<std::string>())}) +
                               ".safetensors")));
    }
    ASSERT_EQ(result.at("parts").size(), 2U);
    for (const Json& parts : result.at("parts")) {
        for (const char* part : {"low_rank", "ldlq", "sweep", "product", "spectrum", "decode"}) {
            EXPECT_GT(parts.at(std::string(part) + "_seconds"), 0) << part;
        }
    }
    fs::remove_all(work);
}

TEST(BenchCompress, WritesIntoNoFolderThatHasFiles) {
    const fs::path work = fs::path(testing::TempDir()) / newJobId();
    fs::create_directories(work);
    writeFileAtomically(work / "model.safetensors", "somebody's");
    const Result refused = bench({"compress", "--shape", "demo", "--work", work.string()});
    EXPECT_EQ(refused.exitCode, 1);
    EXPECT_THAT(refused.err, HasSubstr(work.string() + " is not empty"));
    EXPECT_EQ(readTextFile(work / "model.safetensors"), "somebody's");
    fs::remove_all(work);
}

TEST(BenchCompress, LeavesNoFolderOfItsOwnBehindWhenItFails) {
    const fs::path place = fs::path(testing::TempDir()) / newJobId();
    fs::create_directories(place);
    ::setenv("TMPDIR", place.c_str(), 1);
    const Result failed =
        bench({"compress", "--shape", "demo", "--tokens", "64", "--sequence-length", "16",
               "--codec", "unknown", "--threads", "1"});
    ::unsetenv("TMPDIR");
    EXPECT_EQ(failed.exitCode, 1) << failed.out;
    EXPECT_TRUE(fs::is_empty(place));
    fs::remove_all(place);
}

TEST(BenchCompress, ChecksItsSettingsBeforeAnythingIsWritten) {
    const fs::path work = fs::path(testing::TempDir()) / newJobId();
    for (const char* rank : {"24", "65536"}) {
        const Result refused =
            bench({"compress", "--shape", "demo", "--rank", rank, "--work", work.string()});
        EXPECT_EQ(refused.exitCode, 1);
        EXPECT_THAT(refused.err, HasSubstr(std::string("rank ") + rank + " is "));
        EXPECT_FALSE(fs::exists(work)) << "nothing was made";
    }
}

TEST(BenchCompress, NamesTheShapesThatThereAre) {
    const Result refused = bench({"compress", "--shape", "gpt"});
    EXPECT_EQ(refused.exitCode, 2);
    EXPECT_THAT(refused.err, HasSubstr("qwen2-72b"));
}

TEST(BenchDecode, TakesAnArtifactOrAShape) {
    const Result both = bench({"decode", "/usr", "--shape", "demo"});
    EXPECT_EQ(both.exitCode, 2);
    EXPECT_THAT(both.err, HasSubstr("--shape"));
    const Result nowhere = bench({"decode", "/no/such/folder", "--device", "cpu"});
    EXPECT_EQ(nowhere.exitCode, 1);
    EXPECT_THAT(nowhere.err, HasSubstr("/no/such/folder"));
}

} // namespace
} // namespace caldera::cli
