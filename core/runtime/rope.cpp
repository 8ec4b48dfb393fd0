#include "core/runtime/rope.h"

#include <cmath>
#include <numbers>

namespace caldera {

namespace {

/// Llama 3.1: long wavelengths are stretched by the factor, short ones kept, those between mixed.
double scaledFrequency(double frequency, const RopeScaling& scaling) {
    const double wavelength = 2 * std::numbers::pi / frequency;
    const double longest = scaling.originalMaxPositions / scaling.lowFrequencyFactor;
    const double shortest = scaling.originalMaxPositions / scaling.highFrequencyFactor;
    if (wavelength > longest) {
        return frequency / scaling.factor;
    }
    if (wavelength < shortest) {
        return frequency;
    }
    const double kept = (scaling.originalMaxPositions / wavelength - scaling.lowFrequencyFactor) /
                        (scaling.highFrequencyFactor - scaling.lowFrequencyFactor);
    return (1 - kept) * frequency / scaling.factor + kept * frequency;
}

} // namespace

RotaryEmbedding::RotaryEmbedding(const ModelConfig& config, int contextLength)
    : half_(config.headSize / 2) {
    std::vector<float> frequencies;
    for (int i = 0; i < half_; ++i) {
        double frequency = std::pow(config.ropeTheta, -2.0 * i / config.headSize);
        if (config.ropeScaling) {
            frequency = scaledFrequency(frequency, *config.ropeScaling);
        }
        frequencies.push_back(static_cast<float>(frequency));
    }
    for (int position = 0; position < contextLength; ++position) {
        for (const float frequency : frequencies) {
            const float angle = static_cast<float>(position) * frequency;
            cosines_.push_back(std::cos(angle));
            sines_.push_back(std::sin(angle));
        }
    }
}

void RotaryEmbedding::rotate(float* values, int heads, int position) const {
    const size_t first = static_cast<size_t>(position) * static_cast<size_t>(half_);
    const float* cosines = cosines_.data() + first;
    const float* sines = sines_.data() + first;
    for (int head = 0; head < heads; ++head) {
        float* low = values + static_cast<int64_t>(head) * 2 * half_;
        float* high = low + half_;
        for (int i = 0; i < half_; ++i) {
            const float a = low[i];
            const float b = high[i];
            low[i] = a * cosines[i] - b * sines[i];
            high[i] = b * cosines[i] + a * sines[i];
        }
    }
}

} // namespace caldera
