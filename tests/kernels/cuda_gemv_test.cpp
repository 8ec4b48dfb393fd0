#include <algorithm>
#include <cmath>
#include <string>

#include <cuda_fp16.h>
#include <gtest/gtest.h>

#include "kernels/common/device.h"
#include "kernels/common/kernel_error.h"
#include "kernels/hadamard/hadamard.h"
#include "kernels/trellis/gemv_cuda.h"
#include "tests/kernels/device_array.h"
#include "tests/kernels/random_values.h"

using namespace caldera::kernels;

namespace {

class CudaGemv : public testing::Test {
protected:
    void SetUp() override {
        const CudaDevice device = cudaDevice();
        if (!device.available) {
            GTEST_SKIP() << "needs a GPU: " << device.reason;
        }
    }
};

uint16_t halfBits(float value) {
    return __half_as_ushort(__float2half_rn(value));
}

std::vector<uint16_t> toHalf(const std::vector<float>& values) {
    std::vector<uint16_t> bits(values.size());
    std::transform(values.begin(), values.end(), bits.begin(), halfBits);
    return bits;
}

std::vector<float> toFloat(const std::vector<uint16_t>& bits) {
    std::vector<float> values(bits.size());
    std::transform(bits.begin(), bits.end(), values.begin(),
                   [](uint16_t each) { return __half2float(__ushort_as_half(each)); });
    return values;
}

std::vector<float> randomSigns(int64_t size, uint32_t seed) {
    std::vector<float> signs = randomNormal(size, 1, seed);
    for (float& sign : signs) {
        sign = sign < 0 ? -1.0F : 1.0F;
    }
    return signs;
}

/// A vector quantized on the processor.
struct Quantized {
    std::vector<int8_t> codes;
    std::vector<float> scale;
    std::vector<int32_t> sum;

    explicit Quantized(int64_t size)
        : codes((size + kQuantizedBlock - 1) / kQuantizedBlock * kQuantizedBlock, 99),
          scale(codes.size() / kQuantizedBlock), sum(scale.size()) {}
    QuantizedVectorOut out() {
        return {codes.data(), scale.data(), sum.data(), static_cast<int64_t>(scale.size())};
    }
    std::vector<float> values() const {
        std::vector<float> all(codes.size());
        for (size_t i = 0; i < all.size(); ++i) {
            all[i] = static_cast<float>(codes[i]) * scale[i / kQuantizedBlock];
        }
        return all;
    }
};

/// Inputs of a linear of this size; some blocks are zero, one holds an outlier.
std::vector<float> inputOf(int64_t size, uint32_t seed) {
    std::vector<float> x = toFloat(toHalf(randomNormal(size, 1, seed)));
    x[size / 2] = 1000;
    for (int64_t i = kQuantizedBlock; i < std::min(size, 2 * kQuantizedBlock); ++i) {
        x[i] = 0;
    }
    return x;
}

} // namespace

TEST_F(CudaGemv, QuantizesInputsAsTheReference) {
    for (const int64_t size : {1, 3, 128, 231, 576, 8192, 29568}) {
        const Rotation rotation{size, hadamardBlock(size)};
        const std::vector<float> x = inputOf(size, 61);
        const std::vector<float> sign = randomSigns(size, 62);
        Quantized expected(size);
        reference::quantizeInput(x.data(), sign.data(), rotation, expected.out());
        DeviceArray<uint16_t> deviceX(toHalf(x));
        DeviceArray<uint16_t> deviceSign(toHalf(sign));
        DeviceArray<int8_t> codes(std::vector<int8_t>(expected.codes.size(), 99));
        DeviceArray<float> scale(std::vector<float>(expected.scale.size()));
        DeviceArray<int32_t> sum(std::vector<int32_t>(expected.sum.size()));
        cuda::quantizeInput(
            deviceX.data(), deviceSign.data(), rotation,
            {codes.data(), scale.data(), sum.data(), static_cast<int64_t>(expected.scale.size())},
            nullptr);
        EXPECT_EQ(codes.toHost(), expected.codes) << size;
        EXPECT_EQ(scale.toHost(), expected.scale) << size;
        EXPECT_EQ(sum.toHost(), expected.sum) << size;
    }
}

class CudaTrellisGemv : public testing::TestWithParam<TrellisCode> {};

TEST_P(CudaTrellisGemv, MultipliesAndRotatesAsTheReference) {
    const CudaDevice gpu = cudaDevice();
    if (!gpu.available) {
        GTEST_SKIP() << "needs a GPU: " << gpu.reason;
    }
    const TrellisCode& code = GetParam();
    for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{16, 4},
                                        {7, 128},
                                        {576, 232},
                                        {192, 576},
                                        {1000, 1536},
                                        {64, 8192},
                                        {8192, 1024},
                                        {48, 29568}}) {
        const int64_t groups = (rows + 15) / 16;
        const int64_t blocks = columns / code.columns;
        const std::vector<uint16_t> words = randomWords(groups * blocks * code.groupBytes(), 63);
        const std::vector<uint8_t> codes(words.begin(), words.end());
        std::vector<float> scale = randomNormal(groups, 0.1F, 64);
        const std::vector<float> inSign = randomSigns(columns, 65);
        const std::vector<float> outSign = randomSigns(rows, 66);
        const std::vector<float> bias = toFloat(toHalf(randomNormal(rows, 0.1F, 67)));
        Quantized x(columns);
        reference::quantizeInput(inputOf(columns, 68).data(), inSign.data(),
                                 {columns, hadamardBlock(columns)}, x.out());
        std::vector<float> product(16 * groups);
        reference::trellisGemv({&code, codes.data(), scale.data(), groups, blocks},
                               x.values().data(), product.data(), {0, groups});
        const Rotation back{rows, hadamardBlock(rows)};
        std::vector<float> expected(rows);
        reference::rotateOutput(product.data(), outSign.data(), bias.data(), back, expected.data());

        DeviceArray<uint8_t> deviceCodes(codes);
        DeviceArray<float> deviceScale(scale);
        DeviceArray<int8_t> xCodes(x.codes);
        DeviceArray<float> xScale(x.scale);
        DeviceArray<int32_t> xSum(x.sum);
        DeviceArray<uint16_t> deviceOutSign(toHalf(outSign));
        DeviceArray<uint16_t> deviceBias(toHalf(bias));
        DeviceArray<uint16_t> y(std::vector<uint16_t>(static_cast<size_t>(rows)));
        const auto inputBlocks = static_cast<int64_t>(x.scale.size());
        const QuantizedVector input{xCodes.data(), xScale.data(), xSum.data(), inputBlocks};
        const cuda::GemvShape shape = cuda::gemvShape(groups, inputBlocks);
        DeviceArray<float> partial(std::vector<float>(shape.splits * groups * 16));
        cuda::trellisGemv({&code, deviceCodes.data(), deviceScale.data(), groups, blocks}, input,
                          shape, partial.data(), nullptr);
        cuda::rotateOutput(
            {partial.data(), shape.splits, groups * 16, deviceScale.data(), code.step}, input,
            deviceOutSign.data(), deviceBias.data(), back, y.data(), nullptr);
        const std::vector<float> values = toFloat(y.toHost());
        float largest = 0;
        for (const float each : expected) {
            largest = std::max(largest, std::abs(each));
        }
        for (int64_t row = 0; row < rows; ++row) {
            ASSERT_NEAR(values[row], expected[row], 1e-3F * largest)
                << rows << " x " << columns << ", row " << row;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Codes, CudaTrellisGemv,
                         testing::ValuesIn(trellisCodes().begin(), trellisCodes().end()),
                         [](const auto& code) { return std::string(code.param.id).substr(8); });

TEST_F(CudaGemv, GivesTheSameBitsAgain) {
    const TrellisCode& code = *trellisCode("trellis-v4k8m4");
    const int64_t groups = 40;
    const int64_t columns = 4096;
    const std::vector<uint16_t> words = randomWords(groups * columns / 4 * 16, 71);
    DeviceArray<uint8_t> codes(std::vector<uint8_t>(words.begin(), words.end()));
    DeviceArray<float> scale(randomNormal(groups, 0.1F, 72));
    Quantized x(columns);
    reference::quantizeInput(inputOf(columns, 73).data(), randomSigns(columns, 74).data(),
                             {columns, 128}, x.out());
    DeviceArray<int8_t> xCodes(x.codes);
    DeviceArray<float> xScale(x.scale);
    DeviceArray<int32_t> xSum(x.sum);
    const QuantizedVector input{xCodes.data(), xScale.data(), xSum.data(), columns / 128};
    const cuda::GemvShape shape = cuda::gemvShape(groups, input.blocks);
    DeviceArray<float> partial(std::vector<float>(shape.splits * groups * 16));
    const auto once = [&] {
        cuda::trellisGemv({&code, codes.data(), scale.data(), groups, columns / 4}, input, shape,
                          partial.data(), nullptr);
        return partial.toHost();
    };
    const std::vector<float> first = once();
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(once(), first);
    }
}

TEST_F(CudaGemv, RefusesWhatItCannotMultiply) {
    TrellisCode code = *trellisCode("trellis-v2k8m4");
    const QuantizedVector input{nullptr, nullptr, nullptr, 1};
    EXPECT_THROW(
        cuda::trellisGemv({&code, nullptr, nullptr, 1, 3}, input, {1, 4}, nullptr, nullptr),
        KernelError);
    code.memoryBits = 5;
    EXPECT_THROW(
        cuda::trellisGemv({&code, nullptr, nullptr, 1, 4}, input, {1, 4}, nullptr, nullptr),
        KernelError);
}
