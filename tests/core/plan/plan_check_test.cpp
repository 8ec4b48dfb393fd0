#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/plan/plan.h"
#include "tests/core/plan/plan_samples.h"

namespace caldera {
namespace {

using ::testing::HasSubstr;

void expectComplaint(const Plan& plan, const std::string& code, const std::string& part) {
    try {
        checkPlan(plan, smallConfig());
        ADD_FAILURE() << "no complaint where " << code << " was expected";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), code);
        EXPECT_THAT(e.what(), HasSubstr(part));
    }
}

Plan goodPlan() {
    return defaultPlan("m", smallConfig());
}

TEST(DefaultPlan, FitsItsModelAndSpendsLittleOnFactors) {
    const ModelConfig config = smallConfig();
    const Plan plan = goodPlan();
    checkPlan(plan, config);
    for (const Module module : kModules) {
        const CellSettings settings = plan.settingsOf({0, module});
        const MatrixShape shape = config.shapeOf(module);
        EXPECT_EQ(settings.rank % 16, 0);
        EXPECT_LE(settings.rank, std::min(shape.rows, shape.columns) / 4);
        EXPECT_LE(static_cast<double>(settings.rank * (shape.rows + shape.columns)) * 4,
                  0.5 * static_cast<double>(shape.size()));
    }
    EXPECT_EQ(plan.settingsOf({0, Module::QProj}).rank, 32);
    EXPECT_EQ(plan.settingsOf({0, Module::KProj}).rank, 16);
    EXPECT_EQ(plan.settingsOf({0, Module::UpProj}).rank, 48);
}

TEST(DefaultPlan, UsesRank64OnLargeModelsWithoutOverrides) {
    ModelConfig config = smallConfig();
    config.hiddenSize = 8192;
    config.intermediateSize = 29568;
    config.headCount = 64;
    config.kvHeadCount = 8;
    config.headSize = 128;
    const Plan plan = defaultPlan("m", config);
    EXPECT_EQ(plan.defaults.rank, 64);
    EXPECT_TRUE(plan.patternOverrides.empty());
    EXPECT_EQ(plan.calibration.sequenceLength, 2048);
}

TEST(DefaultPlan, TakesRankZeroWhereNothingFits) {
    ModelConfig config = smallConfig();
    config.hiddenSize = 32;
    config.intermediateSize = 64;
    config.headCount = 2;
    config.kvHeadCount = 1;
    config.headSize = 16;
    const Plan plan = defaultPlan("m", config);
    EXPECT_EQ(plan.defaults.rank, 0);
    checkPlan(plan, config);
}

TEST(CheckPlan, NamesTheCellWhoseRankIsTooLarge) {
    Plan plan = goodPlan();
    plan.layerOverrides = {{"model.layers.1.self_attn.k_proj", rankOverride(208)}};
    expectComplaint(plan, "plan.rank",
                    "model.layers.1.self_attn.k_proj: rank 208 is above its matrix of 192 x 576. "
                    "Choose at most 192.");
    plan.layerOverrides = {{"model.layers.1.self_attn.k_proj", rankOverride(40)}};
    expectComplaint(plan, "plan.rank", "not a multiple of 16. Choose 32 or 48.");
    plan.layerOverrides = {{"model.layers.1.self_attn.k_proj", rankOverride(192)}};
    checkPlan(plan, smallConfig());
}

TEST(CheckPlan, NamesCodecsThatThisBuildLacks) {
    Plan plan = goodPlan();
    plan.defaults.codec = "e8p";
    plan.defaults.bits = 5;
    expectComplaint(plan, "plan.codec", "the codec e8p-5 is not supported by this build");
    plan = goodPlan();
    plan.defaults.factorCodec = "lloyd";
    plan.defaults.leftBits = 3;
    expectComplaint(plan, "plan.codec", "lloyd-3");
    plan = goodPlan();
    plan.defaults.transform = "fourier";
    expectComplaint(plan, "plan.codec", "transform fourier");
    plan = goodPlan();
    plan.defaults.codec = "trellis";
    plan.defaults.bits = 3.5;
    expectComplaint(plan, "plan.codec", "the codec trellis-3.5 is not supported by this build");
    for (const double bits : {1.5, 2.0, 2.5, 3.0, 4.0}) {
        plan.defaults.bits = bits;
        checkPlan(plan, smallConfig());
    }
    plan = goodPlan();
    plan.defaults.factorCodec = "none";
    plan.defaults.leftBits = plan.defaults.rightBits = 16;
    checkPlan(plan, smallConfig());
}

TEST(CheckPlan, WantsOneTransformPerInputGroup) {
    Plan plan = goodPlan();
    CellOverride other;
    other.transform = "none";
    plan.layerOverrides = {{"model.layers.0.self_attn.v_proj", other}};
    expectComplaint(plan, "plan.group", "share their input, so they need the same transform");
    plan.layerOverrides = {{"model.layers.0.self_attn.o_proj", other}};
    checkPlan(plan, smallConfig());
}

TEST(CheckPlan, NamesPatternsAndNamesThatMatchNothing) {
    Plan plan = goodPlan();
    plan.patternOverrides = {{"model.layers.2.*", rankOverride(16)}};
    expectComplaint(plan, "plan.no-match", "\"model.layers.2.*\" matches no cell");
    plan = goodPlan();
    plan.skipLayers = {"*.qproj"};
    expectComplaint(plan, "plan.no-match", "`skip_layers`");
    plan = goodPlan();
    plan.layerOverrides = {{"model.layers.1.self_attn.qproj", rankOverride(16)}};
    expectComplaint(plan, "plan.no-match", "Did you mean model.layers.1.self_attn.q_proj?");
}

TEST(CheckPlan, NamesSequencesLongerThanTheModelTakes) {
    Plan plan = goodPlan();
    plan.calibration.sequenceLength = 8192;
    expectComplaint(plan, "plan.sequence-length",
                    "the model takes at most 4096 tokens. Choose at most that many");
}

TEST(CheckPlan, LeavesSkippedCellsAlone) {
    Plan plan = goodPlan();
    CellOverride skipped = rankOverride(4096);
    skipped.skip = true;
    plan.layerOverrides = {{"model.layers.0.mlp.up_proj", skipped}};
    checkPlan(plan, smallConfig());
}

TEST(CheckPlan, TakesLowRankAloneButNotNothing) {
    Plan plan = goodPlan();
    plan.defaults.codec = "none";
    plan.defaults.bits = 0;
    checkPlan(plan, smallConfig());
    plan.defaults.rank = 0;
    expectComplaint(plan, "plan.nothing-left", "`skip: true`");
    plan = goodPlan();
    plan.defaults.bits = 0; // of a trellis
    expectComplaint(plan, "plan.codec", "trellis-0");
}

TEST(PlanSize, CountsEveryByteOfACell) {
    CellSettings settings;
    settings.rank = 16;
    settings.factorCodec = "lloyd";
    // codes 32 x 20 x 2 bit, 2 scales, 20 signs, L 20 x 8 bytes, R 16 x 10 bytes, 32 scales
    EXPECT_EQ(cellBytes(settings, {20, 20}), 160 + 4 + 40 + 160 + 160 + 64);
    settings.factorCodec = "trellis"; // pads the rows of L to 16
    EXPECT_EQ(cellBytes(settings, {20, 20}), 160 + 4 + 40 + 256 + 160 + 64);
    settings.factorCodec = "lloyd";
    settings.rank = 0;
    EXPECT_EQ(cellBytes(settings, {20, 20}), 160 + 4 + 40);
    settings.codec = "e8p"; // pads columns to 8
    EXPECT_EQ(cellBytes(settings, {20, 20}), 192 + 4 + 40);
    settings.codec = "nf"; // groups of 64 with a scale
    EXPECT_EQ(cellBytes(settings, {20, 20}), 32 * 18 + 4 + 40);
    settings.codec = "none";
    settings.bits = 0;
    EXPECT_EQ(cellBytes(settings, {20, 20}), 4 + 40);
    settings.skip = true;
    EXPECT_EQ(cellBytes(settings, {20, 20}), 800);
}

TEST(PlanSize, CountsTablesNormsAndBiases) {
    const ModelConfig config = smallConfig();
    Plan plan = goodPlan();
    PlanSize size = planSize(plan, config);
    EXPECT_EQ(size.embeddingBytes, 2 * 1000 * 576 * 2);
    EXPECT_EQ(size.otherBytes, (5 * 576 + 2 * (576 + 192 + 192)) * 4);
    EXPECT_GT(size.bitsPerWeight, 2.0);
    EXPECT_LT(size.bitsPerWeight, 2.7);
    plan.headBits = 8;
    size = planSize(plan, config);
    EXPECT_EQ(size.embeddingBytes, 1000 * 576 * 2 + 1000 * (576 + 2));
    plan.embeddingBits = 4;
    size = planSize(plan, config);
    EXPECT_EQ(size.embeddingBytes, 1000 * (288 + 2 * 9) + 1000 * (576 + 2));
    plan.defaults.skip = true;
    EXPECT_EQ(planSize(plan, config).bitsPerWeight, 16.0);
}

} // namespace
} // namespace caldera
