// Rows of logits and ways to choose from them, for the processor and the GPU.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/sample/sample.h"

struct SampleCase {
    std::string name;
    std::vector<float> logits;
    caldera::kernels::SampleChoice choice;
    std::vector<int32_t> seen;
};

inline float sharpnessOf(double temperature) {
    return static_cast<float>(1.4426950408889634 / temperature);
}

/// Logits as different as models and broken models give them.
inline std::vector<std::pair<std::string, std::vector<float>>> sampleLogits(int vocabulary) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const auto count = static_cast<size_t>(vocabulary);
    std::mt19937 random(static_cast<uint32_t>(vocabulary));
    std::normal_distribution<float> normal;
    std::vector<float> usual(count);
    std::vector<float> flat(count);
    std::vector<float> sharp(count);
    std::vector<float> coarse(count); // many equals
    std::vector<float> holes(count);  // most are -inf, some no number
    for (size_t i = 0; i < count; ++i) {
        usual[i] = 3 * normal(random);
        flat[i] = 1e-3F * normal(random);
        sharp[i] = 200 * normal(random);
        coarse[i] = std::round(2 * normal(random));
        holes[i] = i % 7 == 0 ? usual[i] : -kInfinity;
        holes[i] = i % 13 == 5 ? std::numeric_limits<float>::quiet_NaN() : holes[i];
    }
    std::vector<float> zeros(count, -0.0F);
    zeros.back() = 0.0F;
    return {{"usual", usual},   {"flat", flat},   {"sharp", sharp},
            {"coarse", coarse}, {"holes", holes}, {"equal", std::vector<float>(count, 2.5F)},
            {"zeros", zeros}};
}

inline std::vector<caldera::kernels::SampleChoice> sampleChoices() {
    using caldera::kernels::kSampleUnit;
    std::vector<caldera::kernels::SampleChoice> all(1); // greedy
    for (const double temperature : {1e-6, 0.3, 1.0, 20.0}) {
        caldera::kernels::SampleChoice choice;
        choice.sharpness = sharpnessOf(temperature);
        all.push_back(choice);
        choice.topP = 0.95;
        all.push_back(choice);
        choice.topP = 1e-12;
        all.push_back(choice);
        choice.topP = 0.5;
        choice.topK = 40;
        choice.leastWeight = kSampleUnit / 50;
        all.push_back(choice);
        choice.topP = 1;
        choice.topK = 1000000;
        all.push_back(choice);
        choice.topK = 0;
        choice.leastWeight = kSampleUnit;
        choice.penalty = 1.3;
        all.push_back(choice);
    }
    all.front().penalty = 0.7;
    return all;
}

/// Every way for every row, with random numbers at both ends and between them.
inline std::vector<SampleCase> sampleCases(int vocabulary) {
    std::vector<SampleCase> cases;
    std::mt19937_64 random(7);
    std::vector<int32_t> seen;
    for (int32_t token = 0; token < vocabulary; token += 1 + vocabulary / 50) {
        seen.push_back(token);
    }
    seen.push_back(vocabulary); // padding of a head
    for (const auto& [name, logits] : sampleLogits(vocabulary)) {
        for (caldera::kernels::SampleChoice choice : sampleChoices()) {
            for (const uint64_t place : {uint64_t{0}, ~uint64_t{0}, uint64_t{random()}}) {
                choice.random = place;
                cases.push_back(
                    {name + ", case " + std::to_string(cases.size()), logits, choice, seen});
            }
        }
    }
    return cases;
}
