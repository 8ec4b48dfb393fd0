#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/cli/fidelity_options.h"
#include "app/cli/fidelity_output.h"
#include "core/base/file.h"
#include "core/base/folder_lock.h"
#include "core/report/report.h"
#include "core/report/reported_seed.h"
#include "core/report/standard_error.h"
#include "tests/app/cli/run_command.h"
#include "tests/support/code_of.h"
#include "tests/support/scratch_folder.h"

namespace caldera::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::HasSubstr;

TEST(FidelityOptions, ReadsEveryPairOfBitsAndRank) {
    EXPECT_EQ(parseOptions("1.5,2x0,64"),
              (std::vector<OptionChoice>{{1.5, 0}, {1.5, 64}, {2, 0}, {2, 64}}));
    EXPECT_EQ(parseOptions("4x16"), (std::vector<OptionChoice>{{4, 16}}));
    EXPECT_TRUE(parseOptions("none").empty());
}

TEST(FidelityOptions, RefusesWhatIsNoList) {
    for (const char* text : {"", "2", "x", "2x", "x0", "2,x0", "2x0,", "2x0x1", "2x1", "2x-16",
                             "7x0", "nanx0", "2x99999999999", "2 x 0", "2x65552"}) {
        EXPECT_EQ(test::codeOf([&] { parseOptions(text); }), "fidelity.options") << text;
    }
}

class FidelityCommand : public testing::Test {
protected:
    Result measure(const std::vector<std::string>& more,
                   const std::string& options = "none") const {
        std::vector<std::string> words = {"fidelity",
                                          std::string(CALDERA_SOURCE_DIR) + "/resources/demo-model",
                                          "--calibration-tokens",
                                          "128",
                                          "--out",
                                          out_.string(),
                                          "--options",
                                          options,
                                          "--text-tokens",
                                          "64",
                                          "--window",
                                          "32",
                                          "--json"};
        words.insert(words.end(), more.begin(), more.end());
        return runCommandLine(words, addFidelityCommand);
    }

    const test::ScratchFolder folder_;
    fs::path out_ = folder_ / "f.h5";
};

TEST_F(FidelityCommand, AddsAMetricToTheReportThatIsThere) {
    const Result first = measure({});
    ASSERT_EQ(first.exitCode, 0) << first.err;
    EXPECT_TRUE(Json::parse(first.out).at("rank_correlations").empty());
    const Result second = measure({"--metric", "lens", "--negatives", "16"});
    ASSERT_EQ(second.exitCode, 0) << second.err;
    const Json told = Json::parse(second.out);
    EXPECT_EQ(told.at("metric"), "lens");
    EXPECT_EQ(told.at("metrics").size(), 2U);
    const Json& options = told.at("metrics").at(1).at("options");
    EXPECT_GT(options.at("model.layers.3.mlp.up_proj").at(0).at("relative_error"), 0.01);
    const Json& correlation = told.at("rank_correlations").at(0);
    EXPECT_EQ(correlation.at("cells"), 56);
    EXPECT_LE(correlation.at("spearman").get<double>(), 1);
    const Report report = readReport(out_);
    ASSERT_EQ(report.fidelity.size(), 2U);
    EXPECT_EQ(report.cells.size(), 56U) << "of the first run";
    EXPECT_EQ(report.fidelity[0].name, "lens");
    EXPECT_EQ(report.fidelity[1].options.size(), 56U);
    EXPECT_FALSE(fs::exists(folder_ / "f.h5.work"));
}

TEST_F(FidelityCommand, SaysWhatEachMetricWasMeasuredAt) {
    ASSERT_EQ(measure({}).exitCode, 0);
    const fs::path plan = folder_ / "plan.yaml";
    writeFileAtomically(plan, "format: caldera-plan/1\ncalibration: {sequence_length: 128}\n"
                              "caldera: {bq: 3, rank: 16}\n");
    const Result second = measure({"--metric", "kl", "--plan", plan.string()});
    ASSERT_EQ(second.exitCode, 0) << second.err;
    const Json told = Json::parse(second.out);
    const auto at = [&](size_t metric) {
        return told.at("metrics").at(metric).at("settings").at("model.layers.3.mlp.up_proj");
    };
    EXPECT_EQ(at(0), (Json{{"codec", "trellis"}, {"bits", 3}, {"rank", 16}})) << "kl";
    EXPECT_EQ(at(1).at("bits"), 2) << "proxy, of the first run";
    EXPECT_EQ(told.at("rank_correlations").at(0).at("other_settings"), 56);
}

TEST(FidelityOutput, SaysHowSureADivergenceIs) {
    EXPECT_EQ(intervalText(0.5, 0), "") << "not known";
    EXPECT_EQ(intervalText(0.5, 0.1), " (95 %: 0.304 to 0.696)");
    EXPECT_EQ(intervalText(0.1, 0.1), " (95 %: 0 to 0.296)") << "no divergence is below 0";
    const Cell cell{0, Module::QProj};
    Report report;
    report.layerCount = 1;
    report.fidelity = {{"kl", "text", {{cell, 0.5}, {{0, Module::KProj}, 1}}}};
    report.fidelity.front().details[kStandardError][cell] = 0.1;
    const Json json = fidelityJson({report, "kl", "f.h5", 1});
    const Json& intervals = json.at("metrics").at(0).at("intervals_95");
    ASSERT_EQ(intervals.size(), 1U);
    EXPECT_NEAR(intervals.at(cellName(cell)).at(0).get<double>(), 0.304, 1e-9);
}

TEST(FidelityOutput, SaysHowSureARecoveryIs) {
    const Cell cell{0, Module::QProj};
    Report report;
    report.layerCount = 1;
    report.fidelity = {{"sipit", "text", {{cell, 0.5}}}};
    const auto put = [&](const std::string& name, double value) {
        report.fidelity.front().details[name][cell] = value;
    };
    put("rho_low", 0.4);
    put("rho_high", 0.625);
    put("recovery", 0.9375);
    put("margin", 0.25);
    const FidelityOutcome outcome{report, "sipit", "f.h5", 1};
    const Json intervals = fidelityJson(outcome).at("metrics").at(0).at("intervals_95");
    EXPECT_EQ(intervals, (Json{{cellName(cell), {0.4, 0.625}}}));
    testing::internal::CaptureStdout();
    printFidelity(outcome);
    EXPECT_THAT(testing::internal::GetCapturedStdout(),
                testing::HasSubstr("0.5 (95 %: 0.4 to 0.625), 93.8 % recovered, margin 0.25"));
}

TEST_F(FidelityCommand, WritesTheJsonOfQwen2CalderaMax) {
    const fs::path json = folder_ / "lens.json";
    const Result made = measure({"--metric", "lens", "--lens-json", json.string()});
    ASSERT_EQ(made.exitCode, 0) << made.err;
    const Json lens = Json::parse(readTextFile(json));
    EXPECT_EQ(lens.at("samples"), 2);
    EXPECT_EQ(lens.at("samples_per_seq"), 8);
    EXPECT_EQ(lens.at("negatives"), 2048);
    EXPECT_EQ(lens.at("max_length"), 32);
    const Json& results = lens.at("results");
    ASSERT_EQ(results.size(), 9U);
    EXPECT_EQ(results.at(0).at("label"), "embeddings");
    EXPECT_TRUE(results.at(0).at("block_index").is_null());
    EXPECT_TRUE(results.at(0).at("modules").empty());
    EXPECT_EQ(results.at(0).at("fidelity"), 1) << "an embedding is nearest to itself";
    EXPECT_EQ(results.at(8).at("label"), "layer_7");
    EXPECT_EQ(results.at(8).at("block_index"), 7);
    EXPECT_EQ(results.at(8).at("samples"), 16);
    EXPECT_EQ(results.at(8).at("modules").size(), 7U);
    EXPECT_EQ(results.at(8).at("modules").at(4), "model.layers.7.mlp.gate_proj");
}

TEST_F(FidelityCommand, RefusesWhatItCannotDoBeforeItMeasures) {
    const auto codeOf = [&](const std::vector<std::string>& more,
                            const std::string& options = "none") {
        const Result refused = measure(more, options);
        EXPECT_NE(refused.exitCode, 0);
        return Json::parse(refused.out).at("error").at("code").get<std::string>();
    };
    EXPECT_EQ(codeOf({"--lens-json", (folder_ / "x.json").string()}), "usage");
    EXPECT_EQ(codeOf({"--metric", "lens", "--lens-json", out_.string()}), "usage");
    EXPECT_THAT(codeOf({"--metric", "lens", "--lens-json", folder_.path().string()}),
                testing::StartsWith("file."));
    EXPECT_FALSE(fs::exists(out_));
    EXPECT_EQ(codeOf({}, "2x7"), "fidelity.options");
    EXPECT_EQ(codeOf({"--metric", "proxy,sense"}), "usage");
    Report other;
    other.layerCount = 8;
    other.run = {{"fingerprint", "another model"}};
    writeReport(other, out_);
    EXPECT_EQ(codeOf({}), "report.model");
    writeFileAtomically(out_, "no report");
    EXPECT_EQ(codeOf({}), "report.foreign");
    EXPECT_EQ(readTextFile(out_), "no report");
}

TEST_F(FidelityCommand, RefusesBadNumbersByName) {
    for (const std::string option : {"--places", "--candidates", "--negatives", "--seed"}) {
        for (const char* number :
             {"-1", "nan", "inf", "1e400", "99999999999999999999", "1.5", "x", ""}) {
            const Result refused = measure({"--metric", "lens,sipit", option + "=" + number});
            EXPECT_EQ(refused.exitCode, 2) << option << " " << number;
            EXPECT_THAT(refused.err, HasSubstr(option)) << number;
        }
    }
    EXPECT_EQ(measure({"--negatives", "2000000"}).exitCode, 2) << "more than memory holds";
    EXPECT_FALSE(fs::exists(out_));
}

TEST_F(FidelityCommand, TakesNumbersThatAreMoreThanThereIs) {
    const Result places = measure({"--metric", "sipit", "--places", "1000000000000000",
                                   "--candidates", "2", "--seed", "18446744073709551615"});
    EXPECT_EQ(places.exitCode, 0) << places.err;
    EXPECT_EQ(seedOf(readReport(out_).fidelity.at(0).numbers), 18446744073709551615U);
    const Result candidates =
        measure({"--metric", "sipit", "--places", "1", "--candidates", "1048576"});
    EXPECT_EQ(candidates.exitCode, 0) << candidates.err;
}

TEST_F(FidelityCommand, RefusesATextThatIsNoUtf8) {
    const fs::path text = folder_ / "latin.txt";
    writeFileAtomically(text, "caf\xE9");
    const Result refused = measure({"--metric", "kl", "--text", text.string()});
    EXPECT_EQ(refused.exitCode, 1);
    EXPECT_THAT(refused.err, HasSubstr("is not UTF-8: byte 3"));
}

TEST_F(FidelityCommand, NeverTakesUpOrThrowsAwayWorkUnasked) {
    ASSERT_EQ(measure({"--metric", "lens", "--text", (folder_ / "none.txt").string()}).exitCode, 1);
    fs::create_directories(folder_ / "f.h5.work" / "cells");
    writeFileAtomically(folder_ / "f.h5.work" / "work.json",
                        R"({"format": "caldera-work/1", "threads": 1})");
    writeFileAtomically(folder_ / "f.h5.work" / "cells" / "layers-0-1.h5", "of an earlier run");
    const Result refused = measure({});
    EXPECT_EQ(Json::parse(refused.out).at("error").at("code"), "fidelity.work-exists");
    {
        const FolderLock busy(folder_ / "f.h5.work");
        EXPECT_EQ(Json::parse(measure({}).out).at("error").at("code"), "file.busy")
            << "not to be removed";
    }
    EXPECT_EQ(measure({"--resume"}).exitCode, 0) << "what does not fit is measured again";
}

} // namespace
} // namespace caldera::cli
