// Random words and values for the kernel tests.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

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
