// Values that stand for the weights of a model.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace caldera::cli {

/// Of N(0,1).
inline std::vector<float> normalSample(int64_t count, uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> sample(static_cast<size_t>(count));
    for (float& value : sample) {
        value = normal(random);
    }
    return sample;
}

} // namespace caldera::cli
