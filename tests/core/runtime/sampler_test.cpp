#include "core/runtime/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/support/code_of.h"

namespace caldera {
namespace {

using test::codeOf;

const std::vector<float> kLogits = {1.0F, 3.0F, 2.0F, -1.0F, 2.5F};

/// One choice, as a backend makes it.
Token choose(Sampler& sampler, std::vector<float> logits, std::span<const Token> history = {}) {
    const TokenChoice choice = sampler.next(history);
    kernels::SampleWorkspace workspace;
    return kernels::sampleToken(choice.how, choice.seen, logits, workspace);
}

Token choose(const SamplingOptions& wanted, std::vector<float> logits,
             std::span<const Token> history = {}) {
    Sampler sampler(wanted);
    return choose(sampler, std::move(logits), history);
}

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
        result[choose(sampler, kLogits)] += 1.0 / 20000;
    }
    return result;
}

TEST(Sampler, TakesTheLikeliestAtTemperatureZero) {
    EXPECT_EQ(choose(options(0), kLogits), 1);
    EXPECT_EQ(choose(options(0), {2.0F, 2.0F}), 0) << "the first of equals";
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
        const Token token = choose(first, kLogits);
        ASSERT_EQ(token, choose(same, kLogits));
        differences += token != choose(other, kLogits) ? 1 : 0;
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

TEST(Sampler, KeepsWhatIsLikelyBesideTheLikeliest) {
    // Shares of the likeliest's probability at temperature 1: 0.61 for token 4, 0.37 for 2.
    SamplingOptions wanted = options(1, 4);
    wanted.minP = 0.5;
    EXPECT_EQ(shares(wanted).size(), 2U);
    wanted.topP = 0.9; // would keep three
    EXPECT_EQ(shares(wanted).size(), 2U);
    wanted.topK = 1;
    EXPECT_EQ(shares(wanted).size(), 1U);
    wanted = options(1, 4);
    wanted.minP = 1;
    EXPECT_EQ(shares(wanted).size(), 1U) << "the likeliest always stays";
    wanted.minP = 0.01;
    EXPECT_EQ(shares(wanted).size(), 5U);
}

/// A vocabulary's worth of logits.
std::vector<float> manyLogits(double spread) {
    std::mt19937 random(6);
    std::normal_distribution<float> logit(0, static_cast<float>(spread));
    std::vector<float> logits(150001);
    std::generate(logits.begin(), logits.end(), [&] { return logit(random); });
    return logits;
}

/// The tokens that may be chosen, found the long way.
std::set<Token> allowed(const std::vector<float>& logits, const SamplingOptions& wanted) {
    std::vector<std::pair<double, Token>> byWeight;
    const double largest = *std::max_element(logits.begin(), logits.end());
    for (size_t i = 0; i < logits.size(); ++i) {
        byWeight.emplace_back(-std::exp((logits[i] - largest) / wanted.temperature), i);
    }
    std::sort(byWeight.begin(), byWeight.end());
    if (wanted.topK > 0) {
        byWeight.resize(static_cast<size_t>(wanted.topK));
    }
    double total = 0;
    for (const auto& [weight, token] : byWeight) {
        total -= weight;
    }
    std::set<Token> result;
    double sum = 0;
    for (const auto& [weight, token] : byWeight) {
        if (sum < wanted.topP * total && -weight >= wanted.minP) {
            result.insert(token);
        }
        sum -= weight;
    }
    return result;
}

TEST(Sampler, KeepsTheRightOnesOfALargeVocabulary) {
    for (const double spread : {0.01, 1.0, 4.0}) {
        const std::vector<float> logits = manyLogits(spread);
        std::vector<SamplingOptions> table(5, options(0.8, 2));
        table[0].topP = 0.7;
        table[1].topK = 40;
        table[2].topK = 1000;
        table[2].topP = 0.8;
        table[3].minP = 0.2;
        table[4].topP = 0.95;
        table[4].minP = 0.02;
        for (size_t i = 0; i < table.size(); ++i) {
            SCOPED_TRACE(testing::Message() << "spread " << spread << ", options " << i);
            const std::set<Token> expected = allowed(logits, table[i]);
            Sampler sampler(table[i]);
            std::set<Token> got;
            for (int draw = 0; draw < 40; ++draw) {
                got.insert(choose(sampler, logits));
            }
            for (const Token token : got) {
                // Of equals to rounding at the edge, either may be the last.
                EXPECT_TRUE(expected.contains(token)) << token;
            }
            EXPECT_GE(got.size(), std::min<size_t>(expected.size(), 12) / 3);
        }
    }
}

TEST(Sampler, ComesCloseToGreedyAtTheLowestTemperature) {
    for (const double temperature : {1e-3, 1e-9, 1e-300}) {
        EXPECT_EQ(choose(options(temperature), kLogits), 1) << temperature;
    }
    const float infinity = std::numeric_limits<float>::infinity();
    EXPECT_EQ(choose(options(1), {-infinity, 1.0F, -infinity}), 1);
    EXPECT_NE(choose(options(1e300, 2), {0.0F, 0.0F, 0.0F, 0.0F}), 0) << "hot is not greedy";
}

TEST(Sampler, PenalisesWhatWasSaidWhateverItsSign) {
    SamplingOptions wanted = options(0);
    wanted.repetitionPenalty = 1.5;
    const std::vector<Token> history = {1};
    EXPECT_EQ(choose(wanted, kLogits, history), 4);
    EXPECT_EQ(choose(wanted, {-1.2F, -1.0F}, history), 0);
}

TEST(Sampler, PenalisesWhatItSaidItself) {
    SamplingOptions wanted = options(0);
    wanted.repetitionPenalty = 1.5;
    Sampler sampler(wanted);
    std::vector<Token> history;
    for (const Token expected : {1, 4, 1}) { // 3.0, 2.5 against 2.0, then 2.0 against 1.67 and 2.0
        history.push_back(choose(sampler, kLogits, history));
        EXPECT_EQ(history.back(), expected);
    }
}

TEST(Sampler, RefusesOptionsOutOfRange) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    std::vector<SamplingOptions> bad(13, options(1));
    bad[0].temperature = -1;
    bad[1].topP = 0;
    bad[2].topP = 1.5;
    bad[3].topK = -2;
    bad[4].repetitionPenalty = 0;
    bad[5].minP = -0.1;
    bad[6].minP = 1.1;
    bad[7].maxTokens = 0;
    bad[8].temperature = kNan;
    bad[9].temperature = std::numeric_limits<double>::infinity();
    bad[10].topP = kNan;
    bad[11].minP = kNan;
    bad[12].repetitionPenalty = kNan;
    for (const SamplingOptions& wanted : bad) {
        EXPECT_THROW(Sampler{wanted}, Error);
    }
}

} // namespace
} // namespace caldera
