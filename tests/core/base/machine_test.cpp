#include "core/base/machine.h"

#include <gtest/gtest.h>

#include "core/base/file.h"
#include "tests/support/scratch_folder.h"

namespace caldera {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMiB = int64_t{1} << 20;

/// A machine of 1000 MiB of which 600 are free, and what is written beside it.
class MachineTest : public testing::Test {
protected:
    MachineTest() {
        write("proc/meminfo",
              "MemTotal:     1024000 kB\nMemFree:  1 kB\nMemAvailable: 614400 kB\n");
    }
    void write(const std::string& name, const std::string& text) {
        fs::create_directories((folder_ / name).parent_path());
        writeFileAtomically(folder_ / name, text);
    }
    MachineRoom room() { return readMachine({folder_ / "proc", folder_ / "cgroup"}); }

    test::ScratchFolder folder_;
};

TEST_F(MachineTest, WithoutGroupsTheMachineDecides) {
    EXPECT_EQ(room().memoryBytes, 1000 * kMiB);
    EXPECT_EQ(room().freeMemoryBytes, 600 * kMiB);
    EXPECT_GE(room().cores, 1);
}

TEST_F(MachineTest, AContainersLimitCountsWithoutWhatFilesKeep) {
    write("proc/self/cgroup", "0::/\n");
    write("cgroup/memory.max", std::to_string(400 * kMiB) + "\n");
    write("cgroup/memory.current", std::to_string(300 * kMiB) + "\n");
    write("cgroup/memory.stat",
          "anon 1\ninactive_file " + std::to_string(100 * kMiB) + "\nactive_file 7\n");
    EXPECT_EQ(room().memoryBytes, 400 * kMiB);
    EXPECT_EQ(room().freeMemoryBytes, 200 * kMiB);
}

TEST_F(MachineTest, TheTightestOfNestedGroupsCounts) {
    write("proc/self/cgroup", "0::/job/step\n");
    write("cgroup/job/step/memory.max", "max\n");
    write("cgroup/job/memory.max", std::to_string(50 * kMiB) + "\n");
    write("cgroup/job/memory.current", std::to_string(60 * kMiB) + "\n");
    EXPECT_EQ(room().freeMemoryBytes, 0);
}

TEST_F(MachineTest, OlderGroupsCountToo) {
    write("proc/self/cgroup", "7:cpu:/other\n4:memory:/slurm/job\n");
    write("cgroup/memory/slurm/job/memory.limit_in_bytes", std::to_string(100 * kMiB) + "\n");
    write("cgroup/memory/slurm/job/memory.usage_in_bytes", std::to_string(30 * kMiB) + "\n");
    EXPECT_EQ(room().freeMemoryBytes, 70 * kMiB);
}

TEST_F(MachineTest, ThisMachineHasMemory) {
    EXPECT_GT(readMachine().freeMemoryBytes, 0);
    EXPECT_LE(readMachine().freeMemoryBytes, readMachine().memoryBytes);
}

TEST(UsualThreads, AreThoseOfOpenMpOrTheCoresOfThisProcess) {
    const char* before = std::getenv("OMP_NUM_THREADS");
    const std::string kept = before == nullptr ? "" : before;
    ::setenv("OMP_NUM_THREADS", "3,2", 1);
    EXPECT_EQ(usualThreads(), 3);
    for (const char* nothing : {"", "0", "many"}) {
        ::setenv("OMP_NUM_THREADS", nothing, 1);
        EXPECT_GE(usualThreads(), 1);
        EXPECT_LE(usualThreads(), readMachine().cores);
    }
    ::setenv("OMP_NUM_THREADS", kept.c_str(), 1);
}

} // namespace
} // namespace caldera
