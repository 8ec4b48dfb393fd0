#include "core/preflight/memory_need.h"

#include <gtest/gtest.h>

#include "tests/core/plan/plan_samples.h"

namespace caldera {
namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;

CalibrationSettings thorough() {
    CalibrationSettings settings;
    settings.tokens = 128 * 2048;
    return settings;
}

PlanCells cellsOf72() {
    return {defaultPlan("model", seventyTwo()), seventyTwo()};
}

// What docs/benchmarks.md measured of Qwen2-72B on an H100, and what it is to run on.
TEST(MemoryNeed, CompressingSeventyTwoBillionWeightsFitsACardOf24GBAndNoSmaller) {
    const MemoryNeed need = compressMemory(cellsOf72(), thorough(), Processor::Gpu);
    constexpr double kMeasuredReserved = 17.7 * kGiB;
    EXPECT_GT(static_cast<double>(need.gpu), kMeasuredReserved);
    EXPECT_LT(static_cast<double>(need.gpu), 23.6 * kGiB);
    EXPECT_LT(static_cast<double>(need.host), 32 * kGiB);
    EXPECT_GT(need.host, int64_t{2} * 128 * 2048 * 8192 * 4);
}

TEST(MemoryNeed, MeasuringSeventyTwoBillionWeightsFitsACardOf24GB) {
    FidelityMemory work;
    work.kl = true;
    work.textTokens = 512;
    work.window = 512;
    work.variantBytes = 512 * 8192 * 4 * 14; // of the two blocks that were measured
    const MemoryNeed need = fidelityMemory(cellsOf72(), {}, work, Processor::Gpu);
    EXPECT_GT(static_cast<double>(need.gpu), 19.2 * kGiB);
}

TEST(MemoryNeed, AnEngineTakesWhatWasMeasured) {
    Plan plan = defaultPlan("model", seventyTwo());
    plan.embeddingBits = plan.headBits = 4;
    const MemoryNeed need = serveMemoryOnGpu(plan, PlanCells(plan, seventyTwo()), {8192, 1, 8}, 16);
    EXPECT_GT(static_cast<double>(need.gpu), 20.8 * kGiB);
    EXPECT_LT(static_cast<double>(need.gpu), 23 * kGiB);
}

TEST(MemoryNeed, GrowsWithEveryPartOfTheWork) {
    const PlanCells cells = cellsOf72();
    const auto compressing = [&](int64_t tokens, Processor on) {
        CalibrationSettings settings;
        settings.tokens = tokens;
        return compressMemory(cells, settings, on);
    };
    EXPECT_LT(compressing(1 << 14, Processor::Cpu).host, compressing(1 << 18, Processor::Cpu).host);
    EXPECT_EQ(compressing(1 << 14, Processor::Cpu).gpu, 0);
    EvaluateMemory alone{1 << 20, 2048, int64_t{1} << 30, false};
    EvaluateMemory both = alone;
    both.hasReference = true;
    EXPECT_LT(evaluateMemory(seventyTwo(), alone, Processor::Cpu).host,
              evaluateMemory(seventyTwo(), both, Processor::Cpu).host);
    EXPECT_LT(serveMemory(seventyTwo(), 1 << 30, {4096, 1, 8}).host,
              serveMemory(seventyTwo(), 1 << 30, {8192, 1, 8}).host);
}

} // namespace
} // namespace caldera
