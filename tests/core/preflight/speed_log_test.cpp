#include "core/preflight/speed_log.h"

#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

const SpeedKey kHere{"compress", "cpu, 2 threads"};

TEST(SpeedLog, WithoutRunsTheDocumentedRatesCount) {
    const test::ScratchFolder folder;
    const TimeEstimate time = SpeedLog(folder / "speeds.jsonl").estimate(kHere, 100);
    EXPECT_DOUBLE_EQ(time.seconds, 100);
    EXPECT_EQ(time.runs, 0);
}

TEST(SpeedLog, TheMedianOfTheLastRunsCorrects) {
    const test::ScratchFolder folder;
    const SpeedLog log(folder / "speeds.jsonl");
    for (const double seconds : {900.0, 20.0, 20.0, 30.0, 20.0, 400.0}) {
        log.add(kHere, 10, seconds);
    }
    log.add({"compress", "NVIDIA H100"}, 10, 5);
    log.add({"evaluate", kHere.place}, 10, 5);
    const TimeEstimate time = log.estimate(kHere, 100);
    EXPECT_DOUBLE_EQ(time.seconds, 200);
    EXPECT_EQ(time.runs, 5);
    EXPECT_LT(log.estimate(kHere, -1).seconds, 0);
    const auto ratios = log.ratios("compress");
    EXPECT_EQ(ratios.size(), 2U);
    EXPECT_DOUBLE_EQ(ratios.at("NVIDIA H100").ratio, 0.5);
    EXPECT_EQ(ratios.at("NVIDIA H100").runs, 1);
}

TEST(SpeedLog, ShortRunsAndDamagedLinesTeachNothing) {
    const test::ScratchFolder folder;
    const SpeedLog log(folder / "speeds.jsonl");
    log.add(kHere, 0.5, 10);
    std::ofstream(folder / "speeds.jsonl")
        << "{\n[1]\n{\"format\":\"caldera-speed/9\"}\n"
           "{\"format\":\"caldera-speed/1\",\"kind\":3,\"place\":\"x\",\"estimated\":1,"
           "\"seconds\":1}\n";
    EXPECT_EQ(log.estimate(kHere, 7).runs, 0);
    log.add(kHere, 10, 20);
    EXPECT_EQ(log.estimate(kHere, 7).runs, 1);
}

TEST(SpeedLog, APlaceThatCannotBeWrittenFailsNothing) {
    SpeedLog("/proc/none/speeds.jsonl").add(kHere, 10, 20);
}

} // namespace
} // namespace caldera
