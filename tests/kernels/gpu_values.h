// Values in 16 bits and memory for the tests of what runs on a GPU.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <cuda_fp16.h>
#include <gtest/gtest.h>

#include "kernels/common/device_memory.h"
#include "kernels/step/step.h"
#include "tests/kernels/random_values.h"

inline std::vector<uint16_t> toHalf(const std::vector<float>& values) {
    std::vector<uint16_t> bits(values.size());
    std::transform(values.begin(), values.end(), bits.begin(),
                   [](float value) { return __half_as_ushort(__float2half_rn(value)); });
    return bits;
}

inline std::vector<float> roundedToHalf(std::vector<float> values) {
    for (float& each : values) {
        each = __half2float(__float2half_rn(each));
    }
    return values;
}

inline std::vector<float> randomSigns(int64_t size, uint32_t seed) {
    std::vector<float> signs = randomNormal(size, 1, seed);
    for (float& sign : signs) {
        sign = sign < 0 ? -1.0F : 1.0F;
    }
    return signs;
}

inline std::vector<uint8_t> randomBytes(int64_t count, uint32_t seed) {
    const std::vector<uint16_t> words = randomWords(count, seed);
    return {words.begin(), words.end()};
}

/// A head [headSize] turned by the angles [positions, headSize / 2] of its position.
inline std::vector<float> turned(std::vector<float> head, const std::vector<float>& cosines,
                                 const std::vector<float>& sines, int64_t position) {
    const auto pairs = static_cast<int64_t>(head.size() / 2);
    for (int64_t i = 0; i < pairs; ++i) {
        const float a = head[static_cast<size_t>(i)];
        const float b = head[static_cast<size_t>(i + pairs)];
        const float cosine = cosines[static_cast<size_t>(position * pairs + i)];
        const float sine = sines[static_cast<size_t>(position * pairs + i)];
        head[static_cast<size_t>(i)] = a * cosine - b * sine;
        head[static_cast<size_t>(i + pairs)] = b * cosine + a * sine;
    }
    return head;
}

inline void expectNear(const std::vector<float>& values, const std::vector<float>& expected,
                       float tolerance, const std::string& what) {
    float largest = 0;
    for (const float each : expected) {
        largest = std::max(largest, std::abs(each));
    }
    ASSERT_EQ(values.size(), expected.size()) << what;
    for (size_t i = 0; i < values.size(); ++i) {
        ASSERT_NEAR(values[i], expected[i], tolerance * largest) << what << ", element " << i;
    }
}

/// Memory of one test.
class Arrays {
public:
    template <class Value>
    Value* upload(const std::vector<Value>& host) {
        Value* memory = take<Value>(host.size());
        caldera::kernels::cuda::require(
            cudaMemcpy(memory, host.data(), host.size() * sizeof(Value), cudaMemcpyHostToDevice),
            "The test's copy");
        return memory;
    }
    /// Filled with numbers that are none, so that what is left unwritten shows.
    template <class Value>
    Value* take(size_t count) {
        held_.emplace_back(count * sizeof(Value) + caldera::kernels::kCodesBeyond);
        caldera::kernels::cuda::require(cudaMemset(held_.back().data(), 0xFF, held_.back().bytes()),
                                        "The test's memory");
        return reinterpret_cast<Value*>(held_.back().data());
    }

private:
    std::vector<caldera::kernels::cuda::DeviceMemory<uint8_t>> held_;
};

template <class Value>
std::vector<Value> download(const Value* from, size_t count) {
    caldera::kernels::cuda::require(cudaDeviceSynchronize(), "The test");
    std::vector<Value> host(count);
    caldera::kernels::cuda::require(
        cudaMemcpy(host.data(), from, count * sizeof(Value), cudaMemcpyDeviceToHost),
        "The test's copy");
    return host;
}
