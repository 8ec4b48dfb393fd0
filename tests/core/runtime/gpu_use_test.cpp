#include "core/runtime/gpu_use.h"

#include <gtest/gtest.h>

#include "kernels/common/device.h"

namespace caldera {
namespace {

TEST(GpuMonitor, TellsWhatTheDriverTells) {
    const GpuMonitor monitor("0000:65:00.0", FAKE_NVML);
    const auto load = monitor.read();
    ASSERT_TRUE(load);
    EXPECT_DOUBLE_EQ(load->busy, 0.93);
    EXPECT_EQ(load->usedBytes, 21'000'000'000);
    EXPECT_EQ(load->totalBytes, 25'000'000'000);
}

TEST(GpuMonitor, APartOfAGpuHasMemoryButTellsNoUse) {
    const auto load = GpuMonitor("0000:66:00.0", FAKE_NVML).read();
    ASSERT_TRUE(load);
    EXPECT_LT(load->busy, 0);
    EXPECT_GT(load->usedBytes, 0);
}

TEST(GpuMonitor, TellsNothingWithoutALibraryOrAGpu) {
    EXPECT_FALSE(GpuMonitor("0000:65:00.0", "libno-such-library.so.1").read());
    EXPECT_FALSE(GpuMonitor("nowhere", FAKE_NVML).read());
    EXPECT_FALSE(GpuMonitor("").read());
}

TEST(GpuMonitor, KnowsTheGpuThatThereIs) {
    const kernels::CudaDevice device = kernels::cudaDevice();
    const auto load = GpuMonitor(device.busId).read();
    EXPECT_FALSE(load && !device.builtWithCuda);
    if (load) {
        EXPECT_GT(load->totalBytes, 0);
        EXPECT_LE(load->usedBytes, load->totalBytes);
    }
}

} // namespace
} // namespace caldera
