#include "core/plan/plan_edit.h"

#include <random>

#include <gtest/gtest.h>

#include "core/plan/plan_cells.h"
#include "tests/core/plan/plan_samples.h"

namespace caldera {
namespace {

using Wanted = std::map<Cell, BitsAndRank>;

/// Every cell has what was wanted of it, and everything else that it had before.
void expectFaithful(const Plan& before, const Plan& after, const Wanted& wanted) {
    const ModelConfig config = smallConfig();
    const PlanCells old(before, config);
    const PlanCells now(after, config);
    for (int layer = 0; layer < config.layerCount; ++layer) {
        for (const Module module : kModules) {
            CellSettings expected = old.settingsOf({layer, module});
            if (const auto found = wanted.find({layer, module}); found != wanted.end()) {
                expected.bits = found->second.bits;
                expected.rank = found->second.rank;
            }
            EXPECT_EQ(now.settingsOf({layer, module}), expected) << cellName({layer, module});
        }
    }
}

TEST(PlanEdit, ChangesWhatWasWantedAndNothingElse) {
    for (unsigned seed = 0; seed < 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const auto below = [&](int end) {
            return static_cast<int>(random() % static_cast<unsigned>(end));
        };
        Wanted wanted;
        for (int layer = 0; layer < smallConfig().layerCount; ++layer) {
            for (const Module module : kModules) {
                if (below(3) > 0) {
                    wanted[{layer, module}] = {1.0 + below(3), 16 * below(3)};
                }
            }
        }
        for (const Plan& plan : {Plan{}, defaultPlan("m", smallConfig()), richPlan()}) {
            expectFaithful(plan, withBitsAndRanks(plan, smallConfig(), wanted), wanted);
        }
    }
}

TEST(PlanEdit, ChangesNothingWhereNothingIsWanted) {
    for (const Plan& plan : {Plan{}, defaultPlan("m", smallConfig())}) {
        EXPECT_EQ(withBitsAndRanks(plan, smallConfig(), {}), plan);
    }
}

TEST(PlanEdit, SaysOnceWhatAModuleShares) {
    Wanted wanted;
    for (int layer = 0; layer < smallConfig().layerCount; ++layer) {
        wanted[{layer, Module::DownProj}] = {3, 32};
    }
    const Plan plan = withBitsAndRanks(Plan{}, smallConfig(), wanted);
    EXPECT_TRUE(plan.layerOverrides.empty());
    ASSERT_EQ(plan.patternOverrides.size(), 1U);
    EXPECT_EQ(plan.patternOverrides[0].first, "*.down_proj");
    EXPECT_EQ(plan.patternOverrides[0].second.bits, 3);
}

TEST(PlanEdit, KeepsLocksOfExactNames) {
    Plan plan;
    CellOverride locked;
    locked.locked = true;
    locked.bits = 4;
    plan.layerOverrides = {{"model.layers.0.mlp.up_proj", locked}};
    const Wanted wanted = {{{0, Module::DownProj}, {3, 16}}};
    const Plan after = withBitsAndRanks(plan, smallConfig(), wanted);
    EXPECT_EQ(after.layerOverrides.front(), plan.layerOverrides.front());
    expectFaithful(plan, after, wanted);
}

TEST(PlanEdit, LeavesLockedCellsPinnedToWhatTheyInheritToday) {
    Plan plan;
    CellOverride locked;
    locked.locked = true;
    locked.bits = plan.defaults.bits;
    locked.rank = plan.defaults.rank;
    plan.layerOverrides = {{"model.layers.0.mlp.up_proj", locked}};
    const Wanted wanted = {{{0, Module::DownProj}, {3, 16}}};
    const Plan after = withBitsAndRanks(plan, smallConfig(), wanted);
    EXPECT_EQ(after.layerOverrides.front(), plan.layerOverrides.front());
    expectFaithful(plan, after, wanted);
}

} // namespace
} // namespace caldera
