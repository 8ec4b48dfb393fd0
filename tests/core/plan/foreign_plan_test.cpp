// Configurations of qwen2-caldera-max.
#include "core/plan/foreign_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/plan/plan_samples.h"

namespace caldera {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Plan parse(const std::string& yaml) {
    return parsePlan(yaml, "config.yaml");
}

/// What that project calls "ultra", for a model of 80 layers.
const char* const kUltra = "model_id: Qwen/Qwen2-72B-Instruct\n"
                           "output_dir: artifacts/qwen2-72b/ultra\n"
                           "calibration:\n"
                           "  datasets: [{name: c4, weight: 0.7}]\n"
                           "  samples: 512\n"
                           "  sequence_length: 512\n"
                           "caldera:\n"
                           "  bq: 3\n"
                           "  bl: 4\n"
                           "  br: 4\n"
                           "  rank: 40\n"
                           "  group_size: 128\n"
                           "  use_rht: true\n"
                           "  target_modules: [q_proj, k_proj, v_proj, gate_proj, up_proj, "
                           "down_proj]\n"
                           "  skip_layers: [\"model.layers.70.*\"]\n"
                           "  layer_overrides:\n"
                           "    model.layers.0.self_attn.q_proj: {rank: 384, bq: 6, skip: false}\n"
                           "    model.layers.70.mlp.up_proj: {rank: 100, skip: false}\n"
                           "    model.layers.79.self_attn.q_proj: {rank: 384}\n"
                           "  pattern_overrides:\n"
                           "    \"model.layers.79.*\": {rank: 250, bq: 6, bl: 6, skip: false}\n"
                           "runtime: {dtype: bf16}\n";

TEST(ForeignPlan, TakesOverWhatIsCommonAndNamesTheRest) {
    const Plan plan = parse(kUltra);
    EXPECT_TRUE(plan.foreign);
    EXPECT_EQ(plan.model, "Qwen/Qwen2-72B-Instruct");
    EXPECT_EQ(plan.calibration.tokens, 512 * 512);
    EXPECT_EQ(plan.defaults.bits, 3);
    EXPECT_THAT(plan.ignoredKeys,
                UnorderedElementsAre("output_dir", "datasets", "group_size", "use_rht", "runtime"));
}

TEST(ForeignPlan, FitsItsModelAfterAdoption) {
    const Plan plan = parse(kUltra);
    checkPlan(plan, seventyTwo());
    EXPECT_EQ(plan.settingsOf({1, Module::UpProj}).rank, 48);
    EXPECT_EQ(plan.settingsOf({0, Module::QProj}).bits, 4);
    EXPECT_EQ(plan.settingsOf({79, Module::UpProj}).rank, 256);
    EXPECT_EQ(plan.settingsOf({79, Module::UpProj}).leftBits, 4);
    for (const char* note : {"rank 40 -> 48", "rank 250 -> 256", "bq 6 -> 4", "bl 6 -> 4"}) {
        EXPECT_THAT(plan.adaptedValues, Contains(note));
    }
}

TEST(ForeignPlan, LowersRanksAboveAMatrix) {
    const Plan plan = parse("caldera:\n  rank: 1040\n  skip_layers: [\"*.v_proj\"]\n"
                            "  layer_overrides: {model.layers.1.self_attn.k_proj: {rank: 64}}\n");
    const Plan fitted = fitForeignPlan(plan, seventyTwo());
    checkPlan(fitted, seventyTwo());
    EXPECT_EQ(fitted.settingsOf({0, Module::KProj}).rank, 1024) << "1024 x 8192";
    EXPECT_EQ(fitted.settingsOf({1, Module::KProj}).rank, 64);
    EXPECT_EQ(fitted.settingsOf({0, Module::QProj}).rank, 1040);
    EXPECT_TRUE(fitted.settingsOf({0, Module::VProj}).skip);
    EXPECT_TRUE(fitted.foreign);
    EXPECT_THAT(fitted.adaptedValues, ElementsAre("rank 1040 -> 1024 (k_proj)"));
    EXPECT_EQ(fitForeignPlan(fitted, seventyTwo()), fitted);
}

TEST(ForeignPlan, LeavesAWrongRankOfAnOwnPlanToTheCheck) {
    Plan plan = defaultPlan("m", seventyTwo());
    plan.defaults.rank = 8208;
    EXPECT_EQ(fitForeignPlan(plan, seventyTwo()), plan);
}

TEST(ForeignPlan, SavesAsAPlanThatReadsAsTheSame) {
    const Plan plan = parse(kUltra);
    const Plan again = parse(printPlan(plan));
    EXPECT_EQ(again, plan);
    EXPECT_FALSE(again.foreign);
    EXPECT_THAT(again.adaptedValues, IsEmpty());
}

TEST(ForeignPlan, LetsPatternsBeatExactNames) {
    const Plan plan = parse(kUltra);
    EXPECT_EQ(plan.settingsOf({79, Module::QProj}).rank, 256);
    EXPECT_EQ(plan.settingsOf({0, Module::QProj}).rank, 384);
    EXPECT_TRUE(plan.settingsOf({70, Module::UpProj}).skip) << "nothing takes skipped layers back";
}

TEST(ForeignPlan, LeavesModulesWithoutATargetAsTheyAre) {
    const Plan plan = parse(kUltra);
    EXPECT_TRUE(plan.settingsOf({1, Module::OProj}).skip);
    EXPECT_TRUE(plan.settingsOf({79, Module::OProj}).skip) << "although a pattern says no skip";
    EXPECT_FALSE(plan.settingsOf({1, Module::QProj}).skip);
    EXPECT_THAT(plan.adaptedValues, Contains("o_proj skipped"));
}

TEST(ForeignPlan, GivesRTheBitsOfL) {
    const Plan plan = parse("caldera:\n  bl: 3\n  br: 4\n  pattern_overrides:\n"
                            "    \"*.q_proj\": {bl: 16}\n    \"*.k_proj\": {br: 2}\n"
                            "    \"*.v_proj\": {bl: 4}\n");
    checkPlan(plan, smallConfig());
    const auto factors = [&](Module module) {
        const CellSettings cell = plan.settingsOf({0, module});
        return cell.leftCodecId() + ", " + cell.rightCodecId();
    };
    EXPECT_EQ(factors(Module::UpProj), "trellis-v2k6m6, trellis-v2k6m6");
    EXPECT_EQ(factors(Module::QProj), "none-16, none-16");
    EXPECT_EQ(factors(Module::KProj), factors(Module::UpProj));
    EXPECT_EQ(factors(Module::VProj), "lloyd-4, lloyd-4");
    EXPECT_THAT(plan.adaptedValues, UnorderedElementsAre("br 4 -> 3", "br 2 -> 3"));
}

TEST(ForeignPlan, TellsNothingOfBitsThatNobodyWrote) {
    const Plan plan = parse("caldera: {bl: 16}\n");
    checkPlan(plan, smallConfig());
    EXPECT_EQ(plan.defaults.rightBits, 16);
    EXPECT_THAT(plan.adaptedValues, IsEmpty());
}

TEST(ForeignPlan, CountsNoMoreTokensThanAPlanMayName) {
    const Plan plan = parse("calibration: {sequence_length: 32768, samples: 500000000}\n"
                            "caldera: {bq: 2}\n");
    EXPECT_EQ(parse(printPlan(plan)).calibration.tokens, 1'000'000'000'000);
    EXPECT_THAT(plan.adaptedValues, Contains("tokens 1.6384e+13 -> 1e+12"));
}

TEST(ForeignPlan, WithoutUnsupportedValuesNothingIsAdapted) {
    EXPECT_THAT(parse("caldera: {bq: 2, bl: 4, br: 4, rank: 64}\n").adaptedValues, IsEmpty());
}

} // namespace
} // namespace caldera
