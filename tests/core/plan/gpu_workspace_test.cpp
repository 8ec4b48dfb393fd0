// What an engine is said to work in on a GPU, against a measured run and what it must grow with.
#include "core/plan/gpu_workspace.h"

#include <gtest/gtest.h>

#include "tests/core/plan/plan_samples.h"

namespace caldera {
namespace {

constexpr int64_t kMebi = 1 << 20;

int64_t workspace(const GpuLoad& load, int rank = 64) {
    Plan plan;
    plan.defaults.rank = rank;
    return gpuWorkspaceBytes(plan, seventyTwo(), load);
}

TEST(GpuWorkspace, IsALittleMoreThanWasSeen) {
    // `bench decode --rank 64` took 20.53 GiB of an H100, cache 2.5, weights 17.42: 0.61 GiB.
    EXPECT_GT(workspace({}), 625 * kMebi);
    EXPECT_LT(workspace({}), 800 * kMebi);
}

TEST(GpuWorkspace, GrowsWithTheContext) {
    const int64_t shortest = workspace({.contextLength = 1});
    const int64_t usual = workspace({.contextLength = 8192});
    EXPECT_LT(shortest, usual);
    // Gathered keys and values of one head, scores of one query, angles.
    const int64_t longer = workspace({.contextLength = 1 << 20}) - usual;
    EXPECT_GT(longer, (1 << 20) * int64_t{4 * 128});
}

TEST(GpuWorkspace, GrowsWithTheChatsOfAStep) {
    const int64_t one = workspace({.chats = 1});
    const int64_t sixteen = workspace({.chats = 16});
    // Logits and the head's sums: 17 numbers of every row for each chat beyond the eight tokens of
    // a prompt that a step has room for anyway.
    EXPECT_GT(sixteen - one, 8 * 4 * int64_t{152064} * 17);
    EXPECT_GT(one, workspace({.chats = 1, .activationBits = 16})) << "there it has room for one";
    // More take turns; only their logits are kept together.
    EXPECT_NEAR(static_cast<double>(workspace({.chats = 64}) - sixteen), 64.0 * 4 * 152064,
                3.0 * kMebi);
}

TEST(GpuWorkspace, GrowsWithTheHighestRank) {
    EXPECT_LT(workspace({}, 0), workspace({}, 64));
    EXPECT_LT(workspace({}, 64), workspace({}, 1024));
    Plan plan;
    plan.defaults.rank = 0;
    const int64_t before = gpuWorkspaceBytes(plan, seventyTwo(), {});
    CellOverride one;
    one.rank = 1024;
    plan.layerOverrides = {{"model.layers.40.mlp.up_proj", one}};
    EXPECT_GT(gpuWorkspaceBytes(plan, seventyTwo(), {}), before + 16 * kMebi);
    plan.skipLayers = {"model.layers.40.*"};
    plan.layerOverrides.clear();
    plan.defaults.rank = 64;
    // A whole number for each rank index of the layer's seven cells less.
    EXPECT_EQ(workspace({}, 64) - gpuWorkspaceBytes(plan, seventyTwo(), {}), 8 * 7 * 64);
}

TEST(GpuWorkspace, GrowsWithBitsOfInputs) {
    EXPECT_LT(workspace({.chats = 16, .activationBits = 8}),
              workspace({.chats = 16, .activationBits = 16}));
}

TEST(GpuWorkspace, IsSmallForSmallModels) {
    for (const Plan& plan : {Plan{}, richPlan(), defaultPlan("x", smallConfig())}) {
        EXPECT_LT(gpuWorkspaceBytes(plan, smallConfig(), {.contextLength = 1, .chats = 64}),
                  480 * kMebi);
    }
}

} // namespace
} // namespace caldera
