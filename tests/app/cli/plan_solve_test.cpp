#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file.h"
#include "core/model/model.h"
#include "core/report/standard_error.h"
#include "tests/app/cli/run_command.h"
#include "tests/core/allocation/allocation_samples.h"
#include "tests/support/scratch_folder.h"

namespace caldera::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;

const std::string kModel = std::string(CALDERA_SOURCE_DIR) + "/resources/demo-model";

class PlanSolve : public testing::Test {
protected:
    void SetUp() override {
        model_ = openModel(kModel);
        savePlan(defaultPlan(kModel, model_->config), plan_ = (folder_ / "p.yaml").string());
        out_ = (folder_ / "solved.yaml").string();
        fidelity_ = (folder_ / "f.h5").string();
        writeMeasurements(model_->fingerprint);
    }

    void writeMeasurements(const std::string& fingerprint) const {
        Report report = plausibleReport(model_->config, 1);
        report.run = RunFacts{"demo", fingerprint, "test", "cpu", ""}.attributes();
        writeReport(report, fidelity_);
    }

    Result solve(const std::vector<std::string>& more) const {
        std::vector<std::string> words = {"plan",    "solve", plan_, "--fidelity",
                                          fidelity_, "--out", out_};
        words.insert(words.end(), more.begin(), more.end());
        return runCommandLine(words, addPlanCommand);
    }

    Json solved(std::vector<std::string> more) const {
        more.emplace_back("--json");
        const Result result = solve(more);
        EXPECT_EQ(result.exitCode, 0) << result.err;
        return result.exitCode == 0 ? Json::parse(result.out) : Json::object();
    }

    const test::ScratchFolder folder_;
    std::shared_ptr<const Model> model_;
    std::string plan_, out_, fidelity_;
};

TEST_F(PlanSolve, WritesAPlanThatKeepsToItsTarget) {
    const Json document = solved({"--bpw", "2.6"});
    const Plan plan = loadPlan(out_);
    EXPECT_NO_THROW(checkPlan(plan, model_->config));
    const PlanSize size = planSize(plan, model_->config);
    EXPECT_EQ(document.at("bytes"), size.total());
    EXPECT_EQ(document.at("bpw"), size.bitsPerWeight);
    EXPECT_LE(size.bitsPerWeight, 2.6);
    EXPECT_GT(size.bitsPerWeight, 2.59);
    EXPECT_LT(document.at("predicted_kl"), document.at("kl_before"));
    EXPECT_EQ(document.at("kl_origin"), "predicted");
    ASSERT_FALSE(document.at("changes").empty());
    const Json& change = document.at("changes").at(0);
    EXPECT_THAT(change.at("reason").get<std::string>(), HasSubstr("nats"));
    EXPECT_EQ(change.at("bits").size(), 2U);
    EXPECT_FALSE(document.contains("pareto"));
}

TEST_F(PlanSolve, SaysHowSureAPredictionIs) {
    const Json unsure = solved({"--bpw", "2.6"});
    EXPECT_EQ(unsure.at("predicted_kl_low"), unsure.at("predicted_kl")) << "not measured";
    Report report = readReport(fidelity_);
    FidelityMetric& kl = report.fidelity.front(); // as HDF5 sorts names
    ASSERT_EQ(kl.name, "kl");
    for (const auto& [cell, value] : kl.values) {
        kl.details[kStandardError][cell] = value / 10;
    }
    writeReport(report, fidelity_);
    const Json sure = solved({"--bpw", "2.6"});
    const double predicted = sure.at("predicted_kl");
    EXPECT_NEAR(sure.at("predicted_kl_low").get<double>(), 0.804 * predicted, 1e-6);
    EXPECT_NEAR(sure.at("predicted_kl_high").get<double>(), 1.196 * predicted, 1e-6);
    EXPECT_THAT(solve({"--bpw", "2.6"}).out, HasSubstr("(95 %: "));
}

TEST_F(PlanSolve, UnderstandsEveryTarget) {
    EXPECT_LE(solved({"--bytes", "1.9 MB"}).at("bytes"), 1900000);
    EXPECT_LE(
        solved({"--gpu-memory", "1GiB", "--context", "512", "--kv-bits", "8"}).at("gpu_memory"),
        1 << 30);
    EXPECT_LE(solved({"--kl", "0.1"}).at("predicted_kl"), 0.1);
    EXPECT_GE(solved({"--tokens-per-second", "900", "--bandwidth", "50", "--layer-microseconds",
                      "30", "--context", "100"})
                  .at("estimated_tokens_per_second"),
              900);
    EXPECT_GT(solved({"--bpw", "2.5", "--pareto"}).at("pareto").size(), 10U);
    EXPECT_THAT(solve({"--bpw", "2.5", "--pareto"}).out, HasSubstr("bits a weight"));
}

TEST_F(PlanSolve, SaysWhatIsWrong) {
    EXPECT_EQ(solve({}).exitCode, 2);
    EXPECT_EQ(solve({"--bpw", "2.5", "--kl", "1"}).exitCode, 2);
    EXPECT_EQ(solve({"--bpw", "-1"}).exitCode, 2);
    const Result unit = solve({"--bytes", "21G"});
    EXPECT_EQ(unit.exitCode, 2);
    EXPECT_THAT(unit.err, HasSubstr("21G was given; a size was needed, as 21GiB"));
    const Result context = solve({"--gpu-memory", "1GiB", "--context", "513"});
    EXPECT_EQ(context.exitCode, 1);
    EXPECT_THAT(context.err, HasSubstr("takes at most 512 tokens"));
    const Result small = solve({"--bytes", "1000"});
    EXPECT_EQ(small.exitCode, 1);
    EXPECT_THAT(small.err, HasSubstr("is the least that this plan can come to"));
    EXPECT_FALSE(fs::exists(out_));
    EXPECT_THAT(solve({"--bpw", "16"}).out, HasSubstr("above the most"));
    EXPECT_THAT(solve({"--kl", "100"}).out, HasSubstr("Even the smallest"));
    fs::remove(fidelity_);
    EXPECT_EQ(solve({"--bpw", "2.5"}).exitCode, 1);
}

TEST_F(PlanSolve, RefusesMeasurementsOfAnotherModel) {
    writeMeasurements("another");
    const Result result = solve({"--bpw", "2.5"});
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_THAT(result.err, HasSubstr("was measured on another model, demo (8 layers)"));
}

TEST_F(PlanSolve, NeverWritesOverItsMeasurements) {
    const std::string before = readTextFile(fidelity_);
    out_ = fidelity_;
    const Result result = solve({"--bpw", "2.5"});
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_THAT(result.err, HasSubstr("holds something else than a plan"));
    EXPECT_EQ(readTextFile(fidelity_), before);
}

TEST_F(PlanSolve, KeepsLocksAndTables) {
    Plan plan = loadPlan(plan_);
    CellOverride locked;
    locked.locked = true;
    locked.rank = 16;
    plan.layerOverrides = {{"model.layers.3.mlp.up_proj", locked}};
    savePlan(plan, plan_);
    const Json document = solved({"--bytes", "2.2MB", "--keep-tables"});
    const Plan after = loadPlan(out_);
    EXPECT_EQ(after.settingsOf({3, Module::UpProj}), plan.settingsOf({3, Module::UpProj}));
    EXPECT_EQ(after.embeddingBits, plan.embeddingBits);
    for (const Json& change : document.at("changes")) {
        EXPECT_NE(change.at("name"), "model.layers.3.mlp.up_proj");
    }
}

TEST_F(PlanSolve, SaysThatAHandEditedPlanLosesItsComments) {
    EXPECT_EQ(solve({"--bpw", "2.5"}).err, "");
    writeFileAtomically(out_, "# mine\n" + readTextFile(out_));
    EXPECT_THAT(solve({"--bpw", "2.5"}).err, HasSubstr("its comments are lost"));
}

TEST_F(PlanSolve, StartsFromAConfigurationOfAnotherProgram) {
    writeFileAtomically(plan_, "model_id: Qwen/Qwen2-72B-Instruct\n"
                               "calibration: {samples: 64, sequence_length: 512}\n"
                               "caldera:\n"
                               "  bq: 3\n  bl: 4\n  br: 4\n  rank: 64\n  group_size: 128\n"
                               "  skip_layers: [\"model.layers.7.*\"]\n"
                               "  pattern_overrides: {\"model.layers.0.*\": {rank: 32}}\n");
    const Result result = solve({"--bpw", "5", "--model", kModel});
    EXPECT_EQ(result.exitCode, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr("is not a caldera plan"));
    const Plan plan = loadPlan(out_);
    EXPECT_FALSE(plan.foreign);
    EXPECT_TRUE(plan.settingsOf({7, Module::QProj}).skip);
}

} // namespace
} // namespace caldera::cli
