// Random words and values for the kernel tests.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "kernels/activation/quantized_inputs.h"

inline std::vector<uint16_t> randomWords(int64_t count, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<uint16_t> words(count);
    for (uint16_t& word : words) {
        word = static_cast<uint16_t>(random());
    }
    return words;
}

inline std::vector<float> randomNormal(int64_t count, float scale, uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, scale);
    std::vector<float> values(count);
    for (float& value : values) {
        value = normal(random);
    }
    return values;
}

/// Vectors of normal values, rounded to integers of 8 or 16 bits.
inline caldera::kernels::QuantizedInputs randomIntegers(int64_t count, int64_t size, int bits,
                                                        uint32_t seed) {
    const std::vector<float> values = randomNormal(count * size, 1.0F, seed);
    caldera::kernels::QuantizedInputs inputs;
    inputs.resize(count, size, bits);
    for (int64_t t = 0; t < count; ++t) {
        inputs.set(t, values.data() + t * size);
    }
    return inputs;
}
