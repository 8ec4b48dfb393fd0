#include <algorithm>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/core/allocation/allocation_samples.h"
#include "tests/support/complaint.h"

namespace caldera {
namespace {

using Kind = AllocationTarget::Kind;

/// A plan at its budget, and a stroke over some cells.
struct Stroke {
    AllocationProblem problem;
    PlanCells before;
};

Stroke strokeOf(BitsAndRank value) {
    AllocationProblem problem = problemOf(layeredConfig(10), {Kind::BitsPerWeight, 2.5});
    problem.plan = solve(problem, {}).plan;
    std::map<Cell, BitsAndRank> stroke;
    for (int layer = 2; layer < 5; ++layer) {
        stroke[{layer, Module::DownProj}] = value;
        problem.kept.push_back({layer, Module::DownProj});
    }
    problem.plan = withBitsAndRanks(problem.plan, problem.config, stroke);
    return {problem, PlanCells(problem.plan, problem.config)};
}

TEST(Heal, PaysForAStroke) {
    const Stroke stroke = strokeOf({4, 0});
    EXPECT_GT(stroke.before.size().bitsPerWeight, 2.5);
    const Allocation healed = heal(stroke.problem, {});
    EXPECT_LE(healed.size.bitsPerWeight, 2.5);
    EXPECT_GT(healed.size.bitsPerWeight, 2.49);
    for (const AllocationChange& change : healed.changes) {
        EXPECT_LT(change.cost, 0) << changedName(change);
        const auto& kept = stroke.problem.kept;
        EXPECT_EQ(std::count(kept.begin(), kept.end(), std::get<Cell>(change.what)), 0);
    }
}

TEST(Heal, SpendsWhatAStrokeSaved) {
    const Stroke stroke = strokeOf({1.5, 0});
    const Allocation healed = heal(stroke.problem, {});
    EXPECT_LE(healed.size.bitsPerWeight, 2.5);
    EXPECT_LT(healed.predictedKl, healed.klBefore);
    for (const AllocationChange& change : healed.changes) {
        EXPECT_LT(change.loss, 0) << changedName(change);
    }
}

TEST(Heal, LeavesAPlanAloneThatIsWhatItShouldBe) {
    AllocationProblem problem = problemOf(layeredConfig(10), {Kind::BitsPerWeight, 2.5});
    problem.plan = solve(problem, {}).plan;
    const Allocation healed = heal(problem, {});
    EXPECT_TRUE(healed.changes.empty());
    EXPECT_EQ(healed.plan, problem.plan);
}

TEST(Heal, KeepsTheTables) {
    AllocationProblem problem = problemOf(layeredConfig(10), {});
    problem.target.value =
        0.97 * static_cast<double>(planSize(problem.plan, problem.config).total());
    const Allocation healed = heal(problem, {});
    EXPECT_EQ(healed.plan.embeddingBits, 16);
    EXPECT_EQ(healed.plan.headBits, 16);
    EXPECT_LE(static_cast<double>(healed.size.total()), problem.target.value);
}

TEST(Heal, PaysInBytesForADivergence) {
    AllocationProblem problem = problemOf(layeredConfig(10), {Kind::Kl, 0.3});
    problem.plan = solve(problem, {}).plan;
    const Cell cell{4, Module::DownProj};
    problem.plan = withBitsAndRanks(problem.plan, problem.config, {{cell, {1.5, 0}}});
    problem.kept = {cell};
    const Allocation healed = heal(problem, {});
    EXPECT_LE(healed.predictedKl, 0.3);
    EXPECT_EQ(healed.plan.settingsOf(cell).bits, 1.5);
}

TEST(Heal, SaysWhenNothingIsLeftToGive) {
    Stroke stroke = strokeOf({4, 0});
    stroke.problem.target.value = 1;
    EXPECT_EQ(complaintOf([&] { heal(stroke.problem, {}); }).code, "allocation.budget");
}

} // namespace
} // namespace caldera
