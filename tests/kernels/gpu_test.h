// A test that needs a GPU, and is skipped with the reason where there is none.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "kernels/common/device.h"

/// An id of a codec as a part of a test's name.
inline std::string testName(std::string_view id) {
    std::string name(id);
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

class GpuTest : public testing::Test {
protected:
    void SetUp() override {
        const caldera::kernels::CudaDevice device = caldera::kernels::cudaDevice();
        if (!device.available) {
            GTEST_SKIP() << "needs a GPU: " << device.reason;
        }
    }
};
