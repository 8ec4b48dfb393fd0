// Encoders on a GPU against the references: the same codes, bit for bit.
#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "kernels/common/kernel_error.h"
#include "kernels/e8p/e8p_cuda.h"
#include "kernels/panel/panel_cuda.h"
#include "kernels/trellis/trellis_cuda.h"
#include "tests/kernels/device_array.h"
#include "tests/kernels/gpu_test.h"
#include "tests/kernels/random_values.h"

using namespace caldera::kernels;

namespace {

class CudaEncode : public GpuTest {};

/// Usual values, small and large ones, a coarse grid full of ties, and what is no number.
std::vector<float> awkwardValues(int64_t count, uint32_t seed) {
    std::vector<float> values = randomNormal(count, 1.0F, seed);
    for (int64_t i = count / 4; i < count / 2; ++i) {
        values[i] *= 0.1F;
    }
    for (int64_t i = count / 2; i < count * 3 / 4; ++i) {
        values[i] = std::round(values[i] * 4) / 4;
    }
    for (int64_t i = count * 3 / 4; i < count; ++i) {
        values[i] *= 4;
    }
    values[1] = std::numeric_limits<float>::quiet_NaN();
    values[2] = std::numeric_limits<float>::infinity();
    values[3] = -1e30F;
    return values;
}

} // namespace

TEST_F(CudaEncode, FindsTheReferencesE8pWords) {
    constexpr int64_t kCount = 4096;
    const std::vector<float> x = awkwardValues(kCount * 8, 61);
    std::vector<uint16_t> codes(kCount);
    std::vector<float> decoded(x.size());
    reference::e8pEncode(x.data(), kCount, codes.data(), decoded.data());
    DeviceArray<float> deviceX(x);
    DeviceArray<uint16_t> deviceCodes(std::vector<uint16_t>(kCount, 0xAAAA));
    DeviceArray<float> deviceDecoded(std::vector<float>(x.size(), -1));
    cuda::e8pEncode(deviceX.data(), kCount, deviceCodes.data(), deviceDecoded.data(), nullptr);
    EXPECT_EQ(deviceCodes.toHost(), codes);
    EXPECT_EQ(deviceDecoded.toHost(), decoded);
}

TEST_F(CudaEncode, FindsTheReferencesTrellisPaths) {
    for (const TrellisCode& code : trellisCodes()) {
        SCOPED_TRACE(code.id);
        constexpr int64_t kGroups = 64;
        const std::vector<float> x = awkwardValues(kGroups * kTrellisRows * code.columns, 62);
        std::vector<uint8_t> codes(static_cast<size_t>(kGroups * code.groupBytes()));
        std::vector<float> decoded(x.size());
        reference::trellisEncode(code, x.data(), kGroups, codes.data(), decoded.data());
        DeviceArray<float> deviceX(x);
        DeviceArray<uint8_t> deviceCodes(std::vector<uint8_t>(codes.size(), 0xAA));
        DeviceArray<float> deviceDecoded(std::vector<float>(x.size(), -1));
        cuda::trellisEncode(code, deviceX.data(), kGroups, deviceCodes.data(), deviceDecoded.data(),
                            nullptr);
        EXPECT_EQ(deviceCodes.toHost(), codes);
        EXPECT_EQ(deviceDecoded.toHost(), decoded);
    }
}

TEST_F(CudaEncode, EncodesAPanelWithoutFeedbackAsItsGroups) {
    const TrellisCode& code = *trellisCode("trellis-v4k8m4");
    constexpr int64_t kRows = 48;
    constexpr int64_t kWidth = 20;
    const int64_t blocks = kWidth / code.columns;
    const std::vector<float> x = randomNormal(kRows * kWidth, 1.0F, 63);
    // By group, in it by column block, in it by row: what trellisEncode takes.
    std::vector<float> grouped;
    for (int64_t group = 0; group < kRows / 16; ++group) {
        for (int64_t block = 0; block < blocks; ++block) {
            for (int64_t i = 0; i < 16 * code.columns; ++i) {
                grouped.push_back(x[(group * 16 + i / code.columns) * kWidth +
                                    block * code.columns + i % code.columns]);
            }
        }
    }
    std::vector<uint8_t> codes(static_cast<size_t>(kRows / 16 * blocks * code.groupBytes()));
    std::vector<float> decoded(grouped.size());
    reference::trellisEncode(code, grouped.data(), kRows / 16 * blocks, codes.data(),
                             decoded.data());

    DeviceArray<float> target(x);
    DeviceArray<float> zeros(std::vector<float>(kWidth * kWidth));
    DeviceArray<float> scale(std::vector<float>(kRows, 1.0F));
    DeviceArray<float> values(std::vector<float>(x.size()));
    DeviceArray<float> error(std::vector<float>(x.size()));
    DeviceArray<uint8_t> deviceCodes(std::vector<uint8_t>(codes.size(), 0xAA));
    cuda::PanelTask task;
    task.rows = kRows;
    task.width = kWidth;
    task.target = target.data();
    task.targetStride = kWidth;
    task.steering = target.data();
    task.coefficients = zeros.data();
    task.scale = scale.data();
    task.values = values.data();
    task.valuesStride = kWidth;
    task.error = error.data();
    task.errorStride = kWidth;
    task.codes = deviceCodes.data();
    task.blocks = blocks;
    cuda::trellisFeedback(code, task, nullptr);
    EXPECT_EQ(deviceCodes.toHost(), codes);
    const std::vector<float> found = values.toHost();
    const std::vector<float> left = error.toHost();
    for (size_t i = 0; i < x.size(); ++i) {
        ASSERT_EQ(left[i], x[i] - found[i]) << "value " << i;
    }
    task.width = kWidth + 1;
    EXPECT_THROW(cuda::trellisFeedback(code, task, nullptr), KernelError);
}
