#include "core/runtime/attention.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/runtime/rope.h"
#include "tests/support/packed_cell.h"

namespace caldera {
namespace {

using test::randomVector;

ModelConfig smallConfig() {
    ModelConfig config;
    config.layerCount = 2;
    config.headCount = 6;
    config.kvHeadCount = 2;
    config.headSize = 20;
    config.hiddenSize = 120;
    config.ropeTheta = 10000;
    return config;
}

TEST(Attention, EqualsSoftmaxOverWhatEachTokenSees) {
    const ModelConfig config = smallConfig();
    constexpr int kFirst = 9;
    constexpr int64_t kTokens = 21; // more than one part
    std::mt19937 random(8);
    KvCache cache(config, 32);
    for (int head = 0; head < 2; ++head) {
        const auto keys = randomVector((kFirst + kTokens) * 20, random);
        const auto values = randomVector((kFirst + kTokens) * 20, random);
        std::copy(keys.begin(), keys.end(), cache.keys(1, head));
        std::copy(values.begin(), values.end(), cache.values(1, head));
    }
    const auto queries = randomVector(kTokens * 120, random);
    ThreadPool pool(3);
    Attention attention(config, pool);
    std::vector<float> output(kTokens * 120, -7.0F);
    attention.apply(cache, 1, kFirst, kTokens, queries.data(), output.data());

    for (int64_t t = 0; t < kTokens; ++t) {
        for (int head = 0; head < 6; ++head) {
            const float* query = queries.data() + t * 120 + head * 20;
            std::vector<double> sum(20, 0.0);
            double total = 0;
            for (int64_t p = 0; p <= kFirst + t; ++p) {
                double score = 0;
                for (int i = 0; i < 20; ++i) {
                    score += static_cast<double>(query[i]) * cache.keys(1, head / 3)[p * 20 + i];
                }
                const double weight = std::exp(score / std::sqrt(20.0));
                total += weight;
                for (int i = 0; i < 20; ++i) {
                    sum[static_cast<size_t>(i)] += weight * cache.values(1, head / 3)[p * 20 + i];
                }
            }
            for (int i = 0; i < 20; ++i) {
                ASSERT_NEAR(output[static_cast<size_t>(t * 120 + head * 20 + i)],
                            sum[static_cast<size_t>(i)] / total, 1e-5);
            }
        }
    }
}

TEST(RotaryEmbedding, TurnsPairsByTheirFrequency) {
    const ModelConfig config = smallConfig();
    const RotaryEmbedding rope(config, 16);
    std::mt19937 random(2);
    const auto before = randomVector(40, random);
    auto after = before;
    rope.rotate(after.data(), 2, 13);
    for (size_t head = 0; head < 2; ++head) {
        for (size_t i = 0; i < 10; ++i) {
            const double angle = 13 * std::pow(10000.0, -2.0 * static_cast<double>(i) / 20);
            const double a = before[head * 20 + i];
            const double b = before[head * 20 + 10 + i];
            EXPECT_NEAR(after[head * 20 + i], a * std::cos(angle) - b * std::sin(angle), 1e-5);
            EXPECT_NEAR(after[head * 20 + 10 + i], b * std::cos(angle) + a * std::sin(angle), 1e-5);
        }
    }
}

TEST(RotaryEmbedding, StretchesLongWavelengthsAsLlama3Does) {
    ModelConfig config = smallConfig();
    config.headSize = 64;
    config.ropeTheta = 500000;
    config.ropeScaling = RopeScaling{8, 1, 4, 8192};
    const RotaryEmbedding rope(config, 101);
    std::vector<float> values(64, 0.0F);
    std::fill(values.begin(), values.begin() + 32, 1.0F); // (1, 0) turns to (cos, sin)
    rope.rotate(values.data(), 1, 100);
    const auto angleOf = [&](size_t i) { return std::atan2(values[32 + i], values[i]); };
    const auto frequency = [](double i) { return std::pow(500000.0, -2.0 * i / 64); };
    // Wavelength 2 pi / f: pair 12 has 862 (kept), pair 17 has 6697 (mixed), pair 22 has 52000
    // (stretched by 8).
    EXPECT_NEAR(angleOf(12), 100 * frequency(12), 1e-4);
    EXPECT_NEAR(angleOf(22), 100 * frequency(22) / 8, 1e-6);
    const double wavelength = 2 * M_PI / frequency(17);
    const double kept = (8192 / wavelength - 1) / 3;
    EXPECT_NEAR(angleOf(17), 100 * frequency(17) * (kept + (1 - kept) / 8), 1e-5);
}

TEST(KvCache, GivesBackTheMemoryOfWhatItForgets) {
    ModelConfig config = smallConfig();
    config.headSize = 64; // 16 KiB a page of tokens
    constexpr int kCapacity = 512;
    KvCache cache(config, kCapacity);
    const auto fill = [&](float value) {
        for (int head = 0; head < config.kvHeadCount; ++head) {
            std::fill_n(cache.keys(1, head), kCapacity * 64, value);
            std::fill_n(cache.values(1, head), kCapacity * 64, value);
        }
        cache.append(kCapacity);
    };
    fill(3);
    cache.truncate(100);
    EXPECT_EQ(cache.length(), 100);
    // What the system took back reads as 0.
    for (float* values : {cache.keys(1, 0), cache.keys(1, 1), cache.values(1, 1)}) {
        EXPECT_EQ(std::count(values, values + 100 * 64, 3.0F), 100 * 64);
        EXPECT_EQ(values[300 * 64], 0);
    }
    cache.truncate(0);
    EXPECT_EQ(cache.keys(1, 1)[40 * 64], 0);
    fill(5);
    EXPECT_EQ(cache.values(1, 0)[511 * 64], 5);
}

TEST(KvCache, RefusesAContextThatNoMachineHolds) {
    ModelConfig config = smallConfig();
    config.layerCount = 1 << 20;
    config.kvHeadCount = 1 << 10;
    config.headSize = 1 << 8;
    try {
        const KvCache cache(config, 1 << 20);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "engine.memory");
    }
}

} // namespace
} // namespace caldera
