// A test that needs a GPU, and is skipped with the reason where there is none.
#pragma once

#include <gtest/gtest.h>

#include "kernels/common/device.h"

class GpuTest : public testing::Test {
protected:
    void SetUp() override {
        const caldera::kernels::CudaDevice device = caldera::kernels::cudaDevice();
        if (!device.available) {
            GTEST_SKIP() << "needs a GPU: " << device.reason;
        }
    }
};
