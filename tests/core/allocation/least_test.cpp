// What is told where a target cannot be kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/allocation/allocation.h"
#include "core/base/size_text.h"
#include "tests/core/allocation/allocation_samples.h"
#include "tests/support/complaint.h"

namespace caldera {
namespace {

using Kind = AllocationTarget::Kind;
using ::testing::HasSubstr;

/// What a reader of the complaint types next.
double toldTarget(Kind kind, const std::string& sentence) {
    const std::string start = "cannot be kept: ";
    std::string told = sentence.substr(sentence.find(start) + start.size());
    if (kind == Kind::Bytes) {
        told = told.substr(told.find('(') + 1);
        return static_cast<double>(parseBytes(told.substr(0, told.find(')'))).value());
    }
    if (kind == Kind::GpuMemory) {
        return static_cast<double>(parseBytes(told.substr(0, told.find(" of"))).value());
    }
    return std::stod(told);
}

TEST(Allocation, TakesTheTargetThatItAdvises) {
    for (const int layers : {2, 3, 5, 8}) {
        const ModelConfig config = layeredConfig(layers);
        for (const AllocationTarget target :
             {AllocationTarget{Kind::Bytes, 1000}, AllocationTarget{Kind::BitsPerWeight, 0.1},
              AllocationTarget{Kind::GpuMemory, 1e6}, AllocationTarget{Kind::Kl, 1e-9},
              AllocationTarget{Kind::TokensPerSecond, 1e9}}) {
            for (const int lockedLayers : {0, 1, 2}) {
                AllocationProblem problem = problemOf(config, target, 7);
                for (int layer = 0; layer < lockedLayers; ++layer) {
                    CellOverride locked;
                    locked.locked = true;
                    problem.plan.layerOverrides.emplace_back(cellName({layer, Module::UpProj}),
                                                             locked);
                }
                const Complaint complaint = complaintOf([&] { solved(problem); });
                problem.target.value = toldTarget(target.kind, complaint.sentence);
                EXPECT_EQ(complaintOf([&] { solved(problem); }).sentence, "")
                    << complaint.sentence << " of " << layers << " layers";
            }
        }
    }
}

TEST(Allocation, CountsTheWorkspaceThatSmallerRanksFree) {
    const ModelConfig config = layeredConfig(4);
    const auto gpu = [&](const Plan& plan) {
        return static_cast<double>(gpuMemory(plan, config, {.contextLength = 512}, 16).total());
    };
    AllocationProblem problem = problemOf(config, {Kind::GpuMemory, 1, 512});
    Plan smallest = problem.plan;
    smallest.patternOverrides.clear();
    smallest.defaults.bits = 1.5;
    smallest.defaults.rank = 0;
    smallest.headBits = 4;
    problem.target.value = gpu(smallest);
    EXPECT_LE(gpu(solved(problem).plan), gpu(smallest));
    problem.target.value -= 1;
    const Complaint complaint = complaintOf([&] { solved(problem); });
    EXPECT_EQ(complaint.code, "allocation.budget");
    EXPECT_THAT(complaint.sentence,
                HasSubstr(" of GPU memory (with 512 tokens of context) is the least"));
    problem.target.value = toldTarget(problem.target.kind, complaint.sentence);
    EXPECT_GE(problem.target.value, gpu(smallest));
    EXPECT_LE(problem.target.value, 1.01 * gpu(smallest));
}

} // namespace
} // namespace caldera
