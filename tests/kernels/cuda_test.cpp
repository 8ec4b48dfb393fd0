#include <gtest/gtest.h>

#include "kernels/common/kernel_error.h"
#include "kernels/e8p/e8p_cuda.h"
#include "kernels/hadamard/hadamard.h"
#include "kernels/hadamard/hadamard_cuda.h"
#include "kernels/lloyd/lloyd_cuda.h"
#include "tests/kernels/device_array.h"
#include "tests/kernels/gpu_test.h"
#include "tests/kernels/random_values.h"

using namespace caldera::kernels;

namespace {

class Cuda : public GpuTest {};

using Size = std::pair<int64_t, int64_t>;

void expectNear(const std::vector<float>& values, const std::vector<float>& expected,
                float tolerance) {
    ASSERT_EQ(values.size(), expected.size());
    for (size_t i = 0; i < values.size(); ++i) {
        ASSERT_NEAR(values[i], expected[i], tolerance) << "value " << i;
    }
}

} // namespace

TEST_F(Cuda, DecodesEveryE8pWordAsTheReference) {
    std::vector<uint16_t> codes(65536);
    for (size_t i = 0; i < codes.size(); ++i) {
        codes[i] = static_cast<uint16_t>(i);
    }
    std::vector<float> expected(codes.size() * 8);
    reference::e8pDecode(codes.data(), 65536, expected.data());
    DeviceArray<uint16_t> deviceCodes(codes);
    DeviceArray<float> values(std::vector<float>(expected.size()));
    cuda::e8pDecode(deviceCodes.data(), 65536, values.data(), nullptr);
    EXPECT_EQ(values.toHost(), expected);
}

TEST_F(Cuda, MultipliesE8pAsTheReferenceForOddSizes) {
    for (const auto& [groups, blocks] : {Size{1, 1}, {3, 37}, {36, 192}, {2, 1001}}) {
        const std::vector<uint16_t> codes = randomWords(groups * blocks * 16, 51);
        const std::vector<float> scale = randomNormal(groups, 0.1F, 52);
        const std::vector<float> x = randomNormal(8 * blocks, 1.0F, 53);
        std::vector<float> expected(16 * groups, 0.5F);
        DeviceArray<uint16_t> deviceCodes(codes);
        DeviceArray<float> deviceScale(scale);
        DeviceArray<float> deviceX(x);
        DeviceArray<float> y(expected);
        reference::e8pGemv({codes.data(), scale.data(), groups, blocks}, x.data(), expected.data(),
                           {0, groups});
        cuda::e8pGemv({deviceCodes.data(), deviceScale.data(), groups, blocks}, deviceX.data(),
                      y.data(), nullptr);
        expectNear(y.toHost(), expected, 5e-4F);
    }
}

TEST_F(Cuda, MultipliesFactorsAsTheReferenceForOddSizes) {
    for (const auto& [rows, columns] : {Size{1, 1}, {5, 7}, {64, 1536}, {1537, 64}, {67, 33}}) {
        const std::vector<uint16_t> words = randomWords(rows * ((columns + 1) / 2), 54);
        const std::vector<uint8_t> codes(words.begin(), words.end());
        const std::vector<float> rowScale = randomNormal(rows, 0.1F, 55);
        const std::vector<float> columnScale = randomNormal(columns, 0.1F, 56);
        const std::vector<float> x = randomNormal(columns, 1.0F, 57);
        DeviceArray<uint8_t> deviceCodes(codes);
        DeviceArray<float> deviceRowScale(rowScale);
        DeviceArray<float> deviceColumnScale(columnScale);
        DeviceArray<float> deviceX(x);
        const LloydMatrix host = {codes.data(), rows, columns};
        const LloydMatrix device = {deviceCodes.data(), rows, columns};

        std::vector<float> expected(rows, 0.25F);
        DeviceArray<float> y(expected);
        cuda::lloydExpand(device, deviceColumnScale.data(), deviceX.data(), y.data(), nullptr);
        reference::lloydExpand(host, columnScale.data(), x.data(), expected.data(), {0, rows});
        expectNear(y.toHost(), expected, 1e-4F);

        cuda::lloydProject(device, deviceRowScale.data(), deviceX.data(), y.data(), nullptr);
        reference::lloydProject(host, rowScale.data(), x.data(), expected.data(), {0, rows});
        expectNear(y.toHost(), expected, 1e-4F);
    }
}

TEST_F(Cuda, TransformsBlocksBitForBitAsTheReference) {
    for (int64_t block = 1; block <= 256; block *= 2) {
        const int64_t size = 7 * block;
        std::vector<float> expected = randomNormal(3 * size, 1.0F, 58);
        DeviceArray<float> x(expected);
        cuda::blockHadamard(x.data(), 3, size, block, nullptr);
        reference::blockHadamard(expected.data(), 3, size, block);
        EXPECT_EQ(x.toHost(), expected) << "block " << block;
    }
}

TEST_F(Cuda, RefusesBlocksThatDoNotFit) {
    EXPECT_THROW(cuda::blockHadamard(nullptr, 1, 12, 8, nullptr), KernelError);
    EXPECT_THROW(cuda::blockHadamard(nullptr, 1, 512, 512, nullptr), KernelError);
}
