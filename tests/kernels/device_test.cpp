#include "kernels/common/copy_speed.h"
#include "kernels/common/device.h"

#include <gtest/gtest.h>

using namespace caldera::kernels;

TEST(CudaDevice, IsEitherUsableOrSaysWhyNot) {
    const CudaDevice device = cudaDevice();
    EXPECT_EQ(cudaDeviceAvailable(), device.available);
    EXPECT_EQ(device.reason.empty(), device.available);
    if (device.available) {
        EXPECT_TRUE(device.builtWithCuda);
        EXPECT_FALSE(device.name.empty());
        EXPECT_GE(device.driverVersion, device.runtimeVersion / 1000 * 1000);
        EXPECT_GT(device.memoryBytes, 0);
        EXPECT_NE(device.busId.find(':'), std::string::npos);
        EXPECT_GT(deviceCopySpeed(), 1e10);
    } else {
        EXPECT_EQ(deviceCopySpeed(), 0);
    }
}
