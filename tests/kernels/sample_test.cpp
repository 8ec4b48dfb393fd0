// The processor's choice of tokens against the long way.
#include "kernels/sample/sample.h"

#include <algorithm>
#include <limits>

#include <gtest/gtest.h>

#include "tests/kernels/sample_cases.h"

using namespace caldera::kernels;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

int32_t choose(const SampleChoice& choice, std::vector<float> logits,
               const std::vector<int32_t>& seen = {}) {
    SampleWorkspace workspace;
    return sampleToken(choice, seen, logits, workspace);
}

/// Weights by token as the reference has them.
std::vector<int32_t> weightsOf(const std::vector<float>& logits, double temperature) {
    SampleChoice choice;
    choice.sharpness = sharpnessOf(temperature);
    std::vector<float> copy = logits;
    SampleWorkspace workspace;
    sampleToken(choice, {}, copy, workspace);
    return workspace.weights;
}

/// By sorting everything. The weights are the reference's own.
int32_t theLongWay(const SampleCase& each) {
    const SampleChoice& choice = each.choice;
    std::vector<float> logits = each.logits;
    if (choice.penalty != 1) {
        for (const int32_t token : each.seen) {
            if (static_cast<size_t>(token) < logits.size()) {
                float& logit = logits[static_cast<size_t>(token)];
                logit =
                    static_cast<float>(logit > 0 ? logit / choice.penalty : logit * choice.penalty);
            }
        }
    }
    SampleChoice plain;
    plain.sharpness = choice.sharpness > 0 ? choice.sharpness : sharpnessOf(1);
    SampleWorkspace workspace;
    std::vector<float> copy = logits;
    if (sampleToken(plain, {}, copy, workspace) == kNoToken) {
        return kNoToken;
    }
    const std::vector<int32_t>& weights = workspace.weights;
    std::vector<int32_t> ranked;
    for (size_t i = 0; i < weights.size(); ++i) {
        if (weights[i] > 0) {
            ranked.push_back(static_cast<int32_t>(i));
        }
    }
    std::stable_sort(ranked.begin(), ranked.end(), [&](int32_t a, int32_t b) {
        return weights[static_cast<size_t>(a)] > weights[static_cast<size_t>(b)];
    });
    if (choice.sharpness == 0) {
        float largest = -kInfinity;
        for (const float logit : logits) {
            largest = logit > largest ? logit : largest;
        }
        return static_cast<int32_t>(std::find(logits.begin(), logits.end(), largest) -
                                    logits.begin());
    }
    if (choice.topK > 0) {
        ranked.resize(std::min(ranked.size(), static_cast<size_t>(choice.topK)));
    }
    double total = 0;
    for (const int32_t token : ranked) {
        total += weights[static_cast<size_t>(token)];
    }
    std::vector<int32_t> kept;
    double sum = 0;
    double keptWeight = 0;
    for (const int32_t token : ranked) {
        const int32_t weight = weights[static_cast<size_t>(token)];
        if ((sum < std::ceil(choice.topP * total) || sum == 0) && weight >= choice.leastWeight) {
            kept.push_back(token);
            keptWeight += weight;
        }
        sum += weight;
    }
    std::sort(kept.begin(), kept.end());
    // Of 64 bits only those at the ends are asked for here: the first and the last.
    return choice.random == 0 ? kept.front() : kept.back();
}

} // namespace

TEST(Sample, ChoosesWhatTheLongWayDoes) {
    for (const int vocabulary : {1, 2, 3, 17, 1000, 5003}) {
        for (const SampleCase& each : sampleCases(vocabulary)) {
            if (each.choice.random == 0 || each.choice.random == ~uint64_t{0}) {
                ASSERT_EQ(choose(each.choice, each.logits, each.seen), theLongWay(each))
                    << "vocabulary " << vocabulary << ", " << each.name;
            }
        }
    }
}

TEST(Sample, WeighsByTheExponential) {
    std::vector<float> logits = {0};
    for (float logit = -0.001F; logit > -22; logit -= 0.001F) {
        logits.push_back(logit);
    }
    for (const double temperature : {0.7, 1.0, 3.0}) {
        const std::vector<int32_t> weights = weightsOf(logits, temperature);
        for (size_t i = 0; i < logits.size(); ++i) {
            const double expected = kSampleUnit * std::exp(logits[i] / temperature);
            ASSERT_NEAR(weights[i], expected, 1 + 4e-6 * expected) << logits[i];
        }
    }
}

TEST(Sample, DrawsInProportionToWeights) {
    // Weights 4 : 2 : 1 at temperature 1 / ln 2, so the places of 1/7 parts are known.
    const std::vector<float> logits = {-1, 0, -2};
    SampleChoice choice;
    choice.sharpness = 1;
    std::vector<int> counts(3);
    for (uint64_t part = 0; part < 700; ++part) {
        choice.random = part * (~uint64_t{0} / 700);
        ++counts.at(static_cast<size_t>(choose(choice, logits)));
    }
    EXPECT_NEAR(counts[0], 200, 1);
    EXPECT_NEAR(counts[1], 400, 1);
    EXPECT_NEAR(counts[2], 100, 1);
}

TEST(Sample, NeverChoosesANan) {
    SampleChoice greedy;
    EXPECT_EQ(choose(greedy, {kNan, 1, 2, kNan}), 2);
    SampleChoice choice;
    choice.sharpness = sharpnessOf(1e6);
    for (const uint64_t place : {uint64_t{0}, ~uint64_t{0}}) {
        choice.random = place;
        EXPECT_EQ(choose(choice, {kNan, 1, kNan}), 1);
        EXPECT_EQ(choose(choice, {-kInfinity, 1, -kInfinity}), 1);
    }
}

TEST(Sample, HasNoTokenWithoutAFiniteLargest) {
    SampleChoice choice;
    for (const float sharpness : {0.0F, 1.0F}) {
        choice.sharpness = sharpness;
        EXPECT_EQ(choose(choice, {kNan, kNan}), kNoToken);
        EXPECT_EQ(choose(choice, {-kInfinity, -kInfinity}), kNoToken);
        EXPECT_EQ(choose(choice, {1, kInfinity}), kNoToken);
        EXPECT_EQ(choose(choice, {}), kNoToken);
    }
}

TEST(Sample, TheLargestFloatsDoNotOverflow) {
    constexpr float kMost = std::numeric_limits<float>::max();
    SampleChoice choice;
    choice.sharpness = sharpnessOf(1e-6);
    choice.random = ~uint64_t{0};
    EXPECT_EQ(choose(choice, {-kMost, kMost, 0}), 1);
    choice.sharpness = sharpnessOf(1e30);
    EXPECT_EQ(choose(choice, {0, 1e-38F, -1e-38F}), 2) << "all weigh the same";
}
