#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "tests/app/cli/run_command.h"
#include "tests/support/scratch_folder.h"

namespace caldera::cli {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

const std::string kModel = std::string(CALDERA_SOURCE_DIR) + "/resources/demo-model";

Result plan(std::vector<std::string> words) {
    words.insert(words.begin(), "plan");
    return runCommandLine(words, addPlanCommand);
}

class PlanCommand : public testing::Test {
protected:
    const test::ScratchFolder folder_;
    const std::string file_ = (folder_ / "p.yaml").string();
};

TEST_F(PlanCommand, WritesAPlanThatFits) {
    const Result made = plan({"new", kModel, "--out", file_, "--json"});
    ASSERT_EQ(made.exitCode, 0) << made.err;
    const auto config = openModel(kModel)->config;
    EXPECT_EQ(loadPlan(file_), defaultPlan(kModel, config));
    EXPECT_EQ(Json::parse(made.out).at("bytes"), planSize(loadPlan(file_), config).total());
    const Result checked = plan({"check", file_, "--model", kModel});
    EXPECT_EQ(checked.exitCode, 0);
    EXPECT_THAT(checked.out, HasSubstr("bits a weight"));
}

TEST_F(PlanCommand, SaysThatAHandEditedPlanLosesItsComments) {
    EXPECT_EQ(plan({"new", kModel, "--out", file_}).err, "");
    EXPECT_EQ(plan({"new", kModel, "--out", file_}).err, "");
    writeFileAtomically(file_, "# mine\n" + readTextFile(file_));
    const Result again = plan({"new", kModel, "--out", file_});
    EXPECT_EQ(again.exitCode, 0);
    EXPECT_THAT(again.err, HasSubstr("its comments are lost"));
}

TEST_F(PlanCommand, WritesOverNothingButPlans) {
    writeFileAtomically(file_, "no plan at all # here\n");
    const Result refused = plan({"new", kModel, "--out", file_});
    EXPECT_EQ(refused.exitCode, 1);
    EXPECT_THAT(refused.err, HasSubstr(file_ + " holds something else than a plan"));
    EXPECT_EQ(readTextFile(file_), "no plan at all # here\n");
    writeFileAtomically(file_, "");
    EXPECT_EQ(plan({"new", kModel, "--out", file_}).exitCode, 0) << "an empty file loses nothing";
}

TEST_F(PlanCommand, ShowsWhatAPlanSays) {
    savePlan(Plan{}, file_);
    EXPECT_THAT(plan({"show", file_}).out, HasSubstr("trellis-v4k8m4, rank 64, factors lloyd-4"));
    EXPECT_THAT(plan({"show", file_, "--model", kModel}).out, HasSubstr("down_proj"));
    const Json shown = Json::parse(plan({"show", file_, "--model", kModel, "--json"}).out);
    const auto config = openModel(kModel)->config;
    EXPECT_EQ(shown.at("cells").size(), static_cast<size_t>(config.cellCount()));
    EXPECT_EQ(shown.at("cells").at("model.layers.0.mlp.up_proj").at("codec"), "trellis-v4k8m4");
}

TEST_F(PlanCommand, TellsWhatIsWrong) {
    writeFileAtomically(file_, "format: caldera-plan/1\ncaldera: {rnk: 16}\n");
    const Result shown = plan({"show", file_});
    EXPECT_EQ(shown.exitCode, 1);
    EXPECT_THAT(shown.err, HasSubstr("Did you mean `rank`?"));
    Plan tooMuch = defaultPlan(kModel, openModel(kModel)->config);
    tooMuch.defaults.rank = 65536;
    savePlan(tooMuch, file_);
    const Result checked = plan({"check", file_, "--model", kModel, "--json"});
    EXPECT_EQ(checked.exitCode, 1);
    EXPECT_EQ(Json::parse(checked.out).at("error").at("code"), "plan.rank");
    EXPECT_EQ(plan({"show", "/nowhere"}).exitCode, 1);
    EXPECT_EQ(plan({}).exitCode, 2);
}

TEST_F(PlanCommand, ChecksAgainstTheModelThatThePlanNames) {
    savePlan(defaultPlan(kModel, openModel(kModel)->config), file_);
    EXPECT_THAT(plan({"check", file_}).out, HasSubstr(file_ + " fits demo-model"));
    Plan unnamed;
    unnamed.model = "/no/such/model";
    savePlan(unnamed, file_);
    const Result missing = plan({"check", file_});
    EXPECT_EQ(missing.exitCode, 1);
    EXPECT_THAT(missing.err, HasSubstr("/no/such/model"));
    unnamed.model.clear();
    savePlan(unnamed, file_);
    const Result nothing = plan({"check", file_});
    EXPECT_EQ(nothing.exitCode, 2);
    EXPECT_EQ(nothing.err, "caldera: " + file_ + " names no model. Name one with --model.\n");
    EXPECT_THAT(plan({"check", "--help"}).out,
                HasSubstr("without it, the model that the plan names"));
}

TEST_F(PlanCommand, ComparesPlans) {
    savePlan(Plan{}, file_);
    Plan other;
    other.defaults.rank = 32;
    const std::string second = (folder_ / "q.yaml").string();
    savePlan(other, second);
    EXPECT_EQ(plan({"diff", file_, second}).out, "caldera.rank: 64 -> 32\n");
    EXPECT_EQ(plan({"diff", file_, file_}).out, "The plans are equal.\n");
    const Json rows = Json::parse(plan({"diff", file_, second, "--json"}).out);
    EXPECT_FALSE(rows.at("equal").get<bool>());
    EXPECT_EQ(rows.at("differences").at(0).at("right"), "32");
}

TEST_F(PlanCommand, SteersNoTerminal) {
    const std::string second = (folder_ / "q.yaml").string();
    writeFileAtomically(file_, "format: caldera-plan/1\nmodel: \"\\e[31mX\\a\"\n"
                               "calibration: {text: \"\\e[0m\"}\n"
                               "caldera: {pattern_overrides: {\"*\\e[1m\": {rank: 16}}}\n");
    savePlan(Plan{}, second);
    const auto expectClean = [](const std::string& text) {
        EXPECT_THAT(text, Not(HasSubstr("\x1B")));
        EXPECT_THAT(text, Not(HasSubstr("\a")));
    };
    const std::string shown = plan({"show", file_}).out;
    EXPECT_THAT(shown, HasSubstr("for  [31mX"));
    expectClean(shown);
    const std::string different = plan({"diff", file_, second}).out;
    EXPECT_THAT(different, HasSubstr("* [1m"));
    expectClean(different);
    writeFileAtomically(file_, "caldera: {\"\\e[32m\": 1}\n");
    const std::string ignored = plan({"show", file_}).err;
    EXPECT_THAT(ignored, HasSubstr("keys ignored:  [32m"));
    expectClean(ignored);
}

TEST_F(PlanCommand, NamesTenForeignKeysAndCountsTheOthers) {
    std::string foreign = "caldera:\n  rank: 16\n";
    for (int i = 10; i < 60; ++i) {
        foreign += "  key-" + std::to_string(i) + ": 1\n";
    }
    writeFileAtomically(file_, foreign);
    EXPECT_THAT(plan({"show", file_}).err, HasSubstr("key-18, key-19 and 40 more.\n"));
}

TEST_F(PlanCommand, SaysWhenAFileIsForeign) {
    writeFileAtomically(file_, "model_id: m\ncaldera: {rank: 40, group_size: 128}\n");
    const Result shown = plan({"show", file_});
    EXPECT_EQ(shown.exitCode, 0);
    EXPECT_THAT(shown.err, HasSubstr("keys ignored: group_size"));
    EXPECT_THAT(shown.err, HasSubstr("values adapted: rank 40 -> 48."));
}

TEST_F(PlanCommand, SaysWhichForeignRanksItLowered) {
    writeFileAtomically(file_, "model_id: m\ncalibration: {sequence_length: 512}\n"
                               "caldera: {rank: 1024}\n");
    const Result checked = plan({"check", file_, "--model", kModel});
    EXPECT_EQ(checked.exitCode, 0) << checked.err;
    EXPECT_THAT(checked.err, HasSubstr("rank 1024 -> 192 (q_proj)"));
    EXPECT_THAT(checked.err, HasSubstr("rank 1024 -> 64 (k_proj)"));
}

} // namespace
} // namespace caldera::cli
