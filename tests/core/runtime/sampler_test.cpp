#include "core/runtime/sampler.h"

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace caldera {
namespace {

const std::vector<float> kLogits = {1.0F, 3.0F, 2.0F, -1.0F, 2.5F};

SamplingOptions options(double temperature, uint64_t seed = 0) {
    SamplingOptions result;
    result.temperature = temperature;
    result.topP = 1;
    result.seed = seed;
    return result;
}

/// How often each token comes in 20000 draws.
std::map<Token, double> shares(const SamplingOptions& wanted) {
    Sampler sampler(wanted);
    std::map<Token, double> result;
    for (int i = 0; i < 20000; ++i) {
        result[sampler.choose(kLogits, {})] += 1.0 / 20000;
    }
    return result;
}

TEST(Sampler, TakesTheLikeliestAtTemperatureZero) {
    Sampler sampler(options(0));
    EXPECT_EQ(sampler.choose(kLogits, {}), 1);
    EXPECT_EQ(sampler.choose(std::vector<float>{2.0F, 2.0F}, {}), 0) << "the first of equals";
}

TEST(Sampler, FollowsTheSoftmax) {
    double total = 0;
    for (const float logit : kLogits) {
        total += std::exp(logit / 0.8);
    }
    const auto got = shares(options(0.8, 5));
    for (size_t i = 0; i < kLogits.size(); ++i) {
        const double expected = std::exp(kLogits[i] / 0.8) / total;
        const auto found = got.find(static_cast<Token>(i));
        EXPECT_NEAR(found == got.end() ? 0 : found->second, expected, 0.015) << i;
    }
}

TEST(Sampler, RepeatsItselfForASeedAndDiffersForAnother) {
    Sampler first(options(1, 11));
    Sampler same(options(1, 11));
    Sampler other(options(1, 12));
    int differences = 0;
    for (int i = 0; i < 200; ++i) {
        const Token token = first.choose(kLogits, {});
        ASSERT_EQ(token, same.choose(kLogits, {}));
        differences += token != other.choose(kLogits, {}) ? 1 : 0;
    }
    EXPECT_GT(differences, 20);
}

TEST(Sampler, KeepsTheTopK) {
    SamplingOptions wanted = options(2, 3);
    wanted.topK = 2;
    for (const auto& [token, share] : shares(wanted)) {
        EXPECT_TRUE(token == 1 || token == 4) << token;
    }
}

TEST(Sampler, KeepsTheSmallestSetThatReachesTopP) {
    // Shares at temperature 1: 0.45 for token 1, 0.27 for 4, 0.17 for 2.
    SamplingOptions wanted = options(1, 3);
    wanted.topP = 0.6;
    const auto got = shares(wanted);
    EXPECT_EQ(got.size(), 2U);
    EXPECT_NEAR(got.at(1), std::exp(3.0) / (std::exp(3.0) + std::exp(2.5)), 0.015);
    wanted.topP = 1e-9;
    EXPECT_EQ(shares(wanted).size(), 1U) << "the likeliest always stays";
}

TEST(Sampler, PenalisesWhatWasSaidWhateverItsSign) {
    SamplingOptions wanted = options(0);
    wanted.repetitionPenalty = 1.5;
    const std::vector<Token> history = {1};
    EXPECT_EQ(Sampler(wanted).choose(kLogits, history), 4);
    EXPECT_EQ(Sampler(wanted).choose(std::vector<float>{-1.2F, -1.0F}, history), 0);
}

TEST(Sampler, IgnoresNanAndRefusesNothingButNan) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(Sampler(options(0)).choose(std::vector<float>{nan, 1.0F, 2.0F}, {}), 2);
    EXPECT_EQ(Sampler(options(1)).choose(std::vector<float>{nan, 1.0F, nan}, {}), 1);
    try {
        Sampler(options(1)).choose(std::vector<float>{nan, nan}, {});
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "engine.logits");
    }
}

TEST(Sampler, RefusesOptionsOutOfRange) {
    std::vector<SamplingOptions> bad(5, options(1));
    bad[0].temperature = -1;
    bad[1].topP = 0;
    bad[2].topP = 1.5;
    bad[3].topK = -2;
    bad[4].repetitionPenalty = 0;
    for (const SamplingOptions& wanted : bad) {
        EXPECT_THROW(Sampler{wanted}, Error);
    }
}

} // namespace
} // namespace caldera
