#include "core/plan/plan_cells.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/core/plan/plan_samples.h"

namespace caldera {
namespace {

CellOverride randomOverride(std::mt19937& random) {
    CellOverride override;
    if (random() % 2 == 0) {
        override.rank = static_cast<int>(random() % 5) * 16;
    }
    if (random() % 2 == 0) {
        override.bits = random() % 2 == 0 ? 2 : 3;
    }
    if (random() % 4 == 0) {
        override.skip = random() % 2 == 0;
    }
    return override;
}

Plan randomPlan(std::mt19937& random, const ModelConfig& config) {
    Plan plan = defaultPlan("model", config);
    for (int count = static_cast<int>(random() % 6); count > 0; --count) {
        plan.layerOverrides.emplace_back(
            cellName({static_cast<int>(random() % static_cast<unsigned>(config.layerCount + 1)),
                      kModules.at(random() % kModules.size())}),
            randomOverride(random));
    }
    if (random() % 3 == 0) {
        plan.skipLayers = {"*.0.mlp.*"};
    }
    if (random() % 2 == 0) {
        plan.patternOverrides.emplace_back("*.v_proj", randomOverride(random));
    }
    plan.embeddingBits = random() % 2 == 0 ? 16 : 8;
    return plan;
}

TEST(PlanCells, FollowAnyPlanAndNameWhatChanged) {
    const unsigned seed = 20261126;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const ModelConfig config = smallConfig();
    Plan before = randomPlan(random, config);
    PlanCells cells(before, config);
    for (int step = 0; step < 200; ++step) {
        const Plan after = randomPlan(random, config);
        std::vector<Cell> expected;
        const std::vector<Cell> changed = cells.follow(after);
        int64_t bytes = 0;
        for (int layer = 0; layer < config.layerCount; ++layer) {
            for (const Module module : kModules) {
                const Cell cell{layer, module};
                const CellSettings settings = after.settingsOf(cell);
                ASSERT_EQ(cells.settingsOf(cell), settings) << cellName(cell);
                ASSERT_EQ(cells.bytesOf(cell), cellBytes(settings, config.shapeOf(module)));
                bytes += cells.bytesOf(cell);
                if (settings != before.settingsOf(cell)) {
                    expected.push_back(cell);
                }
            }
        }
        ASSERT_EQ(changed, expected);
        ASSERT_EQ(cells.size().total(), planSize(after, config).total());
        ASSERT_GE(cells.size().cellBytes, bytes) << "input signs come on top";
        before = after;
    }
}

TEST(PlanCells, OfNoModelAreNone) {
    PlanCells cells;
    EXPECT_EQ(cells.layerCount(), 0);
    EXPECT_TRUE(cells.follow(Plan{}).empty());
}

} // namespace
} // namespace caldera
