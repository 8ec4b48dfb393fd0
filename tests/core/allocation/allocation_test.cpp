#include "core/allocation/allocation.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/artifact/layout.h"
#include "core/base/error.h"
#include "tests/core/allocation/allocation_samples.h"
#include "tests/support/complaint.h"

namespace caldera {
namespace {

using Kind = AllocationTarget::Kind;
using ::testing::HasSubstr;

double least(const AllocationProblem& problem) {
    return static_cast<double>(paretoFront(problem, 2, {}).front().bytes);
}

TEST(Allocation, HitsABudgetOfBytesAndNeverExceedsIt) {
    AllocationProblem problem = problemOf(layeredConfig(30), {});
    problem.keepsTables = true;
    const auto front = paretoFront(problem, 2, {});
    for (const double share : {0.001, 0.1, 0.35, 0.6, 0.9, 0.99}) {
        SCOPED_TRACE("share " + std::to_string(share));
        problem.target.value = std::floor(static_cast<double>(front.front().bytes) * (1 - share) +
                                          static_cast<double>(front.back().bytes) * share);
        const Allocation found = solved(problem);
        EXPECT_LE(static_cast<double>(found.size.total()), problem.target.value);
        EXPECT_GT(static_cast<double>(found.size.total()), 0.998 * problem.target.value);
        EXPECT_LT(found.gap, 1e-4 * found.predictedKl);
        EXPECT_EQ(found.cost, static_cast<double>(found.size.total()));
        EXPECT_NO_THROW(checkPlan(found.plan, problem.config));
    }
}

TEST(CostMeasure, CountsATableAsItCountsAPlan) {
    ModelConfig config = layeredConfig(3);
    for (const Kind kind : {Kind::Bytes, Kind::GpuMemory, Kind::TokensPerSecond}) {
        for (const bool tied : {false, true}) {
            config.tiedEmbeddings = tied;
            const CostMeasure measure({kind, 1e9, 1000}, config);
            const auto ofPlan = [&](int bits) {
                Plan plan = defaultPlan("m", config);
                plan.embeddingBits = plan.headBits = bits;
                return measure.plan(plan, PlanCells(plan, config));
            };
            const auto ofTables = [&](int bits) {
                return measure.table(Table::Embeddings, bits) +
                       (tied ? 0 : measure.table(Table::Head, bits));
            };
            for (const int bits : {8, 4}) {
                EXPECT_EQ(ofPlan(16) - ofPlan(bits), ofTables(16) - ofTables(bits))
                    << static_cast<int>(kind) << (tied ? ", tied, " : ", ") << bits << " bits";
            }
        }
    }
}

TEST(Allocation, KeepsToEveryKindOfTarget) {
    const ModelConfig config = layeredConfig(12);
    for (unsigned seed = 0; seed < 5; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        const Allocation bits = solved(problemOf(config, {Kind::BitsPerWeight, 2.5}, seed));
        EXPECT_LE(bits.size.bitsPerWeight, 2.5);
        EXPECT_GT(bits.size.bitsPerWeight, 2.495);
        EXPECT_EQ(bits.plan.embeddingBits, 16);

        const auto gpu = [&](const Plan& plan) {
            return static_cast<double>(gpuMemory(plan, config, {.contextLength = 1000}, 8).total());
        };
        const double room = gpu(defaultPlan("m", config));
        const Allocation memory = solved(problemOf(config, {Kind::GpuMemory, room, 1000, 8}, seed));
        EXPECT_LE(gpu(memory.plan), room);
        EXPECT_GT(gpu(memory.plan), 0.98 * room);

        AllocationTarget speed{Kind::TokensPerSecond, 700, 1000};
        const Allocation fast = solved(problemOf(config, speed, seed));
        const auto read = gpuStepBytes(fast.plan, config, {.contextLength = 1000}, 16);
        EXPECT_GE(speed.speed.tokensPerSecond(read, config.layerCount), 700);

        const Allocation close = solved(problemOf(config, {Kind::Kl, 0.2}, seed));
        EXPECT_LE(close.predictedKl, 0.2);
        EXPECT_GT(close.predictedKl, 0.19);
    }
}

TEST(Allocation, TakesTheFewestBytesForADivergence) {
    AllocationProblem problem = problemOf(layeredConfig(6), {Kind::Kl, 0.1});
    const Allocation close = solved(problem);
    EXPECT_LT(close.gap, 1e-3 * static_cast<double>(close.size.total()));
    problem.target = {Kind::Bytes, 0.999 * static_cast<double>(close.size.total())};
    const Allocation smaller = solved(problem);
    EXPECT_GT(smaller.predictedKl, 0.1);
}

TEST(Allocation, IsNeverWorseWithMoreBytes) {
    AllocationProblem problem = problemOf(layeredConfig(8), {}, 3);
    double before = std::numeric_limits<double>::infinity();
    for (double bytes = least(problem); bytes < 1.4 * least(problem); bytes *= 1.004) {
        problem.target.value = bytes;
        const Allocation found = solved(problem);
        EXPECT_LE(found.predictedKl, before + found.gap + 1e-12);
        before = found.predictedKl;
    }
}

TEST(Allocation, IsBetterThanWhatItWasGiven) {
    AllocationProblem problem = problemOf(layeredConfig(30), {});
    problem.target.value = static_cast<double>(planSize(problem.plan, problem.config).total());
    problem.keepsTables = true;
    const Allocation found = solved(problem);
    EXPECT_LT(found.predictedKl, 0.8 * found.klBefore);
    EXPECT_FALSE(found.changes.empty());
    EXPECT_FALSE(found.isEverything);
}

TEST(Allocation, LeavesLockedSkippedAndKeptCellsAlone) {
    AllocationProblem problem = problemOf(layeredConfig(6), {Kind::BitsPerWeight, 3});
    CellOverride locked;
    locked.locked = true;
    CellOverride skipped;
    skipped.skip = true;
    problem.plan.layerOverrides = {{"model.layers.1.mlp.down_proj", locked},
                                   {"model.layers.2.self_attn.q_proj", skipped}};
    problem.plan.patternOverrides.emplace_back("model.layers.5.*", locked);
    problem.kept = {{3, Module::UpProj}};
    const PlanCells before(problem.plan, problem.config);
    const Allocation found = solved(problem);
    const PlanCells after(found.plan, problem.config);
    std::vector<Cell> fixed = {{1, Module::DownProj}, {2, Module::QProj}, {3, Module::UpProj}};
    for (const Module module : kModules) {
        fixed.push_back({5, module});
    }
    for (const Cell cell : fixed) {
        EXPECT_EQ(after.settingsOf(cell), before.settingsOf(cell)) << cellName(cell);
    }
    for (const AllocationChange& change : found.changes) {
        const Cell cell = std::get<Cell>(change.what);
        EXPECT_EQ(std::count(fixed.begin(), fixed.end(), cell), 0) << cellName(cell);
    }
    EXPECT_LE(found.size.bitsPerWeight, 3);
}

TEST(Allocation, DoesNotDependOnTheOrderOfOverrides) {
    AllocationProblem problem = problemOf(layeredConfig(4), {Kind::BitsPerWeight, 2.4});
    CellOverride override;
    override.rank = 32;
    for (int layer = 0; layer < 4; ++layer) {
        for (const Module module : kModules) {
            problem.plan.layerOverrides.emplace_back(cellName({layer, module}), override);
        }
    }
    const Allocation forward = solved(problem);
    std::reverse(problem.plan.layerOverrides.begin(), problem.plan.layerOverrides.end());
    const Allocation backward = solved(problem);
    EXPECT_EQ(forward.predictedKl, backward.predictedKl);
    EXPECT_EQ(forward.size.total(), backward.size.total());
    for (int layer = 0; layer < 4; ++layer) {
        for (const Module module : kModules) {
            EXPECT_EQ(forward.plan.settingsOf({layer, module}),
                      backward.plan.settingsOf({layer, module}));
        }
    }
}

TEST(Allocation, PredictsTheBytesThatAreWritten) {
    AllocationProblem problem = problemOf(layeredConfig(5), {Kind::Bytes, 70e6});
    const Allocation found = solved(problem);
    int64_t written = 0;
    for (const TensorSpec& tensor : artifactTensors(found.plan, problem.config)) {
        written += tensor.bytes();
    }
    EXPECT_EQ(found.size.total(), written);
    EXPECT_EQ(parsePlan(printPlan(found.plan), "p"), found.plan);
}

TEST(Allocation, SaysWhatTheLeastIs) {
    AllocationProblem problem = problemOf(layeredConfig(3), {Kind::Bytes, 1000});
    const Complaint bytes = complaintOf([&] { solved(problem); });
    EXPECT_EQ(bytes.code, "allocation.budget");
    EXPECT_THAT(bytes.sentence, HasSubstr(std::to_string(static_cast<int64_t>(least(problem)))));
    problem.target = {Kind::Kl, 1e-9};
    EXPECT_THAT(complaintOf([&] { solved(problem); }).sentence, HasSubstr("nats"));
    problem.target = {Kind::TokensPerSecond, 1e9};
    EXPECT_THAT(complaintOf([&] { solved(problem); }).sentence,
                HasSubstr("(estimated) is the most that this plan can come to"));
    problem.target = {Kind::GpuMemory, 1e6};
    EXPECT_THAT(complaintOf([&] { solved(problem); }).sentence, HasSubstr("GPU memory"));
    problem.target = {Kind::BitsPerWeight, 0.1};
    EXPECT_THAT(complaintOf([&] { solved(problem); }).sentence, HasSubstr("bits a weight"));
    problem.target.value = 16;
    EXPECT_TRUE(solved(problem).isEverything);
}

TEST(Allocation, RefusesTargetsThatCannotBe) {
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    for (const double value : {0.0, -1.0, kNaN, kInfinity}) {
        for (const Kind kind : {Kind::Bytes, Kind::Kl, Kind::TokensPerSecond}) {
            const AllocationProblem problem = problemOf(layeredConfig(1), {kind, value});
            EXPECT_EQ(complaintOf([&] { solved(problem); }).code, "allocation.target") << value;
        }
    }
    AllocationTarget target{Kind::GpuMemory, 1e9};
    target.contextLength = 0;
    EXPECT_EQ(complaintOf([&] { solved(problemOf(layeredConfig(1), target)); }).code,
              "allocation.target");
    target = {Kind::TokensPerSecond, 10};
    for (const DecodeSpeed speed : {DecodeSpeed{0, 0}, DecodeSpeed{kNaN, 0}, DecodeSpeed{1e9, -1},
                                    DecodeSpeed{kInfinity, 0}, DecodeSpeed{1e9, kNaN}}) {
        target.speed = speed;
        EXPECT_EQ(complaintOf([&] { solved(problemOf(layeredConfig(1), target)); }).code,
                  "allocation.target");
    }
    target = {Kind::GpuMemory, 1e9, 8192, 4};
    EXPECT_EQ(complaintOf([&] { solved(problemOf(layeredConfig(1), target)); }).code,
              "allocation.target");
}

TEST(Allocation, ChoosesForOneCellAlone) {
    AllocationProblem problem = problemOf(layeredConfig(1), {});
    CellOverride locked;
    locked.locked = true;
    problem.plan.patternOverrides.emplace_back("*.self_attn.*", locked);
    problem.plan.patternOverrides.emplace_back("*.gate_proj", locked);
    problem.plan.patternOverrides.emplace_back("*.up_proj", locked);
    problem.keepsTables = true;
    problem.target.value = static_cast<double>(planSize(problem.plan, problem.config).total());
    const Allocation one = solved(problem);
    EXPECT_LE(one.changes.size(), 1U);
    problem.plan.defaults.locked = true;
    const Allocation none = solved(problem);
    EXPECT_EQ(none.plan, problem.plan);
    EXPECT_TRUE(none.changes.empty());
    problem.target.value -= 1;
    EXPECT_EQ(complaintOf([&] { solved(problem); }).code, "allocation.budget");
}

/// Nothing says what less rank would cost.
TEST(Allocation, StaysInsideOfTheMeasuredRanks) {
    const ModelConfig config = layeredConfig(2);
    Report report = plausibleReport(config, 1);
    for (auto& [cell, options] : report.fidelity.front().options) {
        std::erase_if(options, [](const FidelityOption& option) { return option.rank == 0; });
    }
    AllocationProblem problem = problemOf(config, {Kind::BitsPerWeight, 4});
    problem.losses = std::make_shared<LossModel>(report, config);
    const Allocation found = solved(problem);
    EXPECT_FALSE(found.changes.empty());
    for (const AllocationChange& change : found.changes) {
        EXPECT_TRUE(change.after.rank >= 64 || change.after.rank == change.before.rank);
    }
}

TEST(Allocation, SaysWhyEachCellChanged) {
    AllocationProblem problem = problemOf(layeredConfig(8), {Kind::BitsPerWeight, 2.47});
    const Allocation found = solved(problem);
    double cost = 0;
    double loss = 0;
    for (const AllocationChange& change : found.changes) {
        const std::string reason = reasonText(change, 56);
        EXPECT_THAT(reason, HasSubstr("nats"));
        EXPECT_THAT(reason, HasSubstr("most fragile of 56."));
        EXPECT_GT(change.price, 0);
        cost += change.cost;
        loss += change.loss;
    }
    EXPECT_NEAR(loss, found.predictedKl - found.klBefore, 1e-9);
    EXPECT_EQ(cost, static_cast<double>(found.size.total() -
                                        planSize(problem.plan, problem.config).total()));
    AllocationChange change;
    change.what = Cell{3, Module::DownProj};
    change.cost = 112 << 10;
    change.loss = -0.0105;
    change.price = 0.02 / (1 << 20);
    change.fragility = 2;
    EXPECT_EQ(reasonText(change, 210),
              "115 kB more for 0.0105 nats less, 4.8 times what that buys elsewhere. It is the "
              "2nd most fragile of 210.");
}

TEST(Allocation, FindsTheBestBitsOfTables) {
    AllocationProblem problem = problemOf(layeredConfig(12), {});
    const auto front = paretoFront(problem, 2, {});
    for (const double share : {0.2, 0.4, 0.6}) {
        problem.target.value = std::floor(static_cast<double>(front.front().bytes) * (1 - share) +
                                          static_cast<double>(front.back().bytes) * share);
        const Allocation free = solved(problem);
        EXPECT_LE(static_cast<double>(free.size.total()), problem.target.value);
        AllocationProblem fixed = problem;
        fixed.keepsTables = true;
        for (const int bits : kTableBits) {
            for (const int headBits : kTableBits) {
                fixed.plan.embeddingBits = bits;
                fixed.plan.headBits = headBits;
                fixed.target.value = problem.target.value;
                if (least(fixed) <= problem.target.value) {
                    EXPECT_LE(free.predictedKl, solved(fixed).predictedKl + 1e-12)
                        << bits << " and " << headBits;
                }
            }
        }
    }
}

TEST(Allocation, UsesTheTablesWhereTheyPay) {
    AllocationProblem problem = problemOf(layeredConfig(4), {});
    problem.target.value = 1.02 * least(problem);
    const Allocation found = solved(problem);
    EXPECT_LT(found.plan.embeddingBits, 16);
    EXPECT_LT(found.plan.headBits, 16);
    problem.keepsTables = true;
    problem.target.value = 1.02 * least(problem);
    EXPECT_EQ(solved(problem).plan.embeddingBits, 16);
}

TEST(Allocation, LeavesTablesAloneThatTheTargetDoesNotLimit) {
    const ModelConfig config = layeredConfig(4);
    const auto room =
        gpuMemory(defaultPlan("m", config), config, {.contextLength = 512}, 16).total();
    const AllocationTarget target{Kind::GpuMemory, static_cast<double>(room), 512};
    const Allocation found = solved(problemOf(config, target));
    EXPECT_EQ(found.plan.embeddingBits, 16); // stays in the machine's memory
    EXPECT_EQ(solved(problemOf(config, {Kind::BitsPerWeight, 2.5})).plan.headBits, 16);
}

TEST(Allocation, CanHaveEveryPointOfItsFront) {
    AllocationProblem problem = problemOf(layeredConfig(6), {Kind::BitsPerWeight, 2.5});
    const std::vector<FrontPoint> front = paretoFront(problem, 20, {});
    EXPECT_GT(front.size(), 10U);
    EXPECT_LE(front.size(), 20U);
    problem.keepsTables = true; // as a target of bits a weight leaves them alone
    for (size_t i = 0; i < front.size(); ++i) {
        problem.target = {Kind::Bytes, static_cast<double>(front[i].bytes)};
        const Allocation found = solved(problem);
        EXPECT_LE(found.predictedKl, front[i].kl + 1e-9);
        EXPECT_TRUE(i == 0 ||
                    (front[i].bytes > front[i - 1].bytes && front[i].kl < front[i - 1].kl));
    }
}

TEST(Allocation, StopsWhenAsked) {
    std::stop_source source;
    source.request_stop();
    const AllocationProblem problem = problemOf(layeredConfig(4), {Kind::BitsPerWeight, 2.5});
    EXPECT_THROW(solve(problem, source.get_token()), Cancelled);
    EXPECT_THROW(paretoFront(problem, 10, source.get_token()), Cancelled);
}

} // namespace
} // namespace caldera
