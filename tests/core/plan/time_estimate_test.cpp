#include "core/plan/time_estimate.h"

#include <gtest/gtest.h>

#include "tests/core/plan/plan_samples.h"

namespace caldera {
namespace {

ModelConfig demoShape() {
    ModelConfig config;
    config.hiddenSize = 192;
    config.intermediateSize = 512;
    config.layerCount = 8;
    config.headCount = 3;
    config.kvHeadCount = 1;
    config.headSize = 64;
    config.vocabSize = 2048;
    return config;
}

ModelConfig smolShape() {
    ModelConfig config;
    config.hiddenSize = 576;
    config.intermediateSize = 1536;
    config.layerCount = 30;
    config.headCount = 9;
    config.kvHeadCount = 3;
    config.headSize = 64;
    config.vocabSize = 49152;
    return config;
}

double compressing(const ModelConfig& config, int cores) {
    const Plan plan = defaultPlan("model", config);
    return compressSeconds(plan, PlanCells(plan, config), cores);
}

void expectWithinTwice(double estimated, double measured) {
    EXPECT_GT(estimated, measured / 2);
    EXPECT_LT(estimated, measured * 2);
}

TEST(TimeEstimate, CompressingTakesAboutAsLongAsItDid) {
    expectWithinTwice(compressing(demoShape(), 2), 11.8); // docs/benchmarks.md
    expectWithinTwice(compressing(smolShape(), 2), 285);
    EXPECT_NEAR(compressing(smolShape(), 4), compressing(smolShape(), 2) / 2, 1e-9);
    const Plan plan = defaultPlan("model", seventyTwo());
    expectWithinTwice(compressSecondsOnGpu(PlanCells(plan, seventyTwo())), 44 * 60.0 + 48);
}

TEST(TimeEstimate, MeasuringTakesAboutAsLongAsItDid) {
    // Seconds of processor time, `caldera fidelity resources/demo-model`, 2026-11-26.
    const auto measuring = [](FidelityWork work, int64_t textTokens) {
        work.calibrationTokens = 32768;
        work.textTokens = textTokens;
        return fidelitySeconds(demoShape(), work, 1);
    };
    expectWithinTwice(measuring({.proxy = true}, 0), 17);
    expectWithinTwice(measuring({.kl = true}, 512), 24);
    expectWithinTwice(measuring({.kl = true}, 2048), 36);
    expectWithinTwice(measuring({.sipit = true}, 512), 20);
    EXPECT_LT(measuring({.lens = true}, 512), 2);
}

TEST(TimeEstimate, WhatStaysAsItIsTakesNoTime) {
    Plan plan = defaultPlan("model", demoShape());
    plan.defaults.skip = true;
    const PlanCells cells(plan, demoShape());
    EXPECT_EQ(compressSeconds(plan, cells, 2), 0);
    EXPECT_EQ(compressSecondsOnGpu(cells), 0);
    EXPECT_EQ(fidelitySeconds(demoShape(), {}, 2), 0);
}

TEST(LikelyTokens, AreNoMoreThanATextHas) {
    EXPECT_EQ(likelyTokens(512, -1), 512) << "not known";
    EXPECT_EQ(likelyTokens(512, 1 << 20), 512);
    EXPECT_EQ(likelyTokens(512, 400), 100);
    EXPECT_EQ(likelyTokens(512, 0), 1);
}

} // namespace
} // namespace caldera
