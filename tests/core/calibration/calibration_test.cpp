#include "core/calibration/calibration.h"

#include <set>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/support/random_model.h"

using namespace caldera;

namespace {

CalibrationSettings settingsOf(int64_t tokens, int length, uint64_t seed = 0) {
    CalibrationSettings settings;
    settings.tokens = tokens;
    settings.sequenceLength = length;
    settings.seed = seed;
    return settings;
}

} // namespace

TEST(CalibrationTokens, SequencesNeverOverlap) {
    // Every character comes with its place: three digits in base 90.
    std::string text;
    std::set<std::string> places;
    for (int i = 0; i < 500; ++i) {
        text += {static_cast<char>(33 + i / 90), static_cast<char>(33 + i % 90), ' '};
    }
    const auto tokenizer = test::tinyTokenizer();
    const torch::Tensor tokens = calibrationTokens(*tokenizer, text, settingsOf(100000, 30));
    EXPECT_EQ(tokens.size(1), 30);
    EXPECT_EQ(tokens.size(0), 50); // the whole text: it is too short for what was asked
    std::multiset<int64_t> used;
    for (int64_t i = 0; i < tokens.size(0); ++i) {
        const torch::Tensor row = tokens[i];
        for (int64_t j = 0; j + 2 < 30; j += 3) {
            used.insert(row[j].item<int64_t>() * 1000 + row[j + 1].item<int64_t>());
        }
    }
    EXPECT_EQ(used.size(), std::set<int64_t>(used.begin(), used.end()).size());
}

TEST(CalibrationTokens, DependOnTheSeedAndNothingElse) {
    const auto tokenizer = test::tinyTokenizer();
    const std::string text = test::tinyText(5000);
    const torch::Tensor first = calibrationTokens(*tokenizer, text, settingsOf(320, 32, 1));
    EXPECT_EQ(first.sizes(), (std::vector<int64_t>{10, 32}));
    EXPECT_TRUE(at::equal(first, calibrationTokens(*tokenizer, text, settingsOf(320, 32, 1))));
    EXPECT_FALSE(at::equal(first, calibrationTokens(*tokenizer, text, settingsOf(320, 32, 2))));
}

TEST(CalibrationTokens, AShortTextIsOneSequenceAndNoneIsRefused) {
    const auto tokenizer = test::tinyTokenizer();
    EXPECT_EQ(calibrationTokens(*tokenizer, "twelve chars", settingsOf(4096, 2048)).sizes(),
              (std::vector<int64_t>{1, 12}));
    try {
        calibrationTokens(*tokenizer, "", settingsOf(4096, 2048));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "calibration.too-short");
    }
}

TEST(CalibrationTokens, SayWhenTheTextIsTooShortAndOnlyThen) {
    class Log : public Progress {
    public:
        void stage(const std::string& /*name*/) override {}
        void advance(int64_t /*done*/, int64_t /*total*/) override {}
        void event(const std::string& kind, nlohmann::json fields) override {
            text += kind + ": " + fields.at("message").get<std::string>();
        }
        std::string text;
    };
    const auto tokenizer = test::tinyTokenizer();
    const std::string text = test::tinyText(5000);
    const auto toldFor = [&](const std::string& some, int64_t tokens, int length) {
        Log log;
        calibrationTokens(*tokenizer, some, settingsOf(tokens, length), log);
        return log.text;
    };
    EXPECT_EQ(toldFor(text, 320, 32), "");
    EXPECT_EQ(toldFor(text, 330, 32), ""); // whole sequences only
    EXPECT_EQ(toldFor("twelve chars", 20, 32),
              "log: The calibration text gives 12 of the 20 tokens that the plan asks for.");
    EXPECT_NE(toldFor(text, 100000, 32), "");
}

TEST(CalibrationText, AMissingFileIsNamed) {
    CalibrationSettings settings;
    settings.text = "/nowhere/text.txt";
    try {
        calibrationText(settings);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), "calibration.text");
        EXPECT_NE(std::string(error.what()).find(settings.text), std::string::npos);
    }
}

TEST(CalibrationText, TheBuiltinOneIsThere) {
    EXPECT_GT(calibrationText({}).size(), 100000U);
}

TEST(CalibrateBlock, HessiansAreMeansOfOuterProducts) {
    const auto model = test::tinyModel();
    const auto weights = modelWeights(model);
    const BlockWeights block = weights->block(0);
    const torch::Tensor tokens = at::arange(4 * 64 * 40).remainder(95).view({160, 64});
    torch::Tensor hidden = weights->embed(tokens);
    ASSERT_GT(hidden.size(0), sequencesPerSlice(64)) << "several slices are wanted";
    std::array<torch::Tensor, 4> expected;
    const torch::Tensor after =
        blockForward(model->config, block, hidden, [&](InputGroup group, const torch::Tensor& x) {
            torch::Tensor& sum = expected[static_cast<size_t>(group)];
            const torch::Tensor wide = x.to(at::kDouble);
            const torch::Tensor products = at::mm(wide.t(), wide);
            sum = sum.defined() ? sum + products : products;
        });
    const BlockHessians hessians = calibrateBlock(model->config, block, hidden);
    EXPECT_EQ(hessians.tokens, 160 * 64);
    EXPECT_TRUE(at::equal(hidden, after));
    for (size_t group = 0; group < 4; ++group) {
        const torch::Tensor mean = expected[group] / 10240.0;
        const double error = (hessians.hessian[group] - mean).abs().max().item<double>() /
                             mean.abs().max().item<double>();
        EXPECT_LT(error, 1e-5) << group;
    }
}

TEST(CalibrateBlock, GivesTheSameBitsAgain) {
    const auto model = test::tinyModel();
    const auto weights = modelWeights(model);
    const torch::Tensor start = weights->embed(at::arange(640).remainder(95).view({10, 64}));
    torch::Tensor first = start.clone();
    torch::Tensor second = start.clone();
    const BlockHessians a = calibrateBlock(model->config, weights->block(1), first);
    const BlockHessians b = calibrateBlock(model->config, weights->block(1), second);
    EXPECT_TRUE(at::equal(first, second));
    for (size_t group = 0; group < 4; ++group) {
        EXPECT_TRUE(at::equal(a.hessian[group], b.hessian[group]));
    }
}

TEST(CalibrateBlock, LeavesTheBitsThatPropagatingLeaves) {
    const auto model = test::tinyModel();
    const auto weights = modelWeights(model);
    torch::Tensor calibrated = weights->embed(at::arange(2 * 64).remainder(95).view({2, 64}));
    torch::Tensor propagated = calibrated.clone();
    calibrateBlock(model->config, weights->block(0), calibrated);
    propagateBlock(model->config, weights->block(0), propagated);
    EXPECT_TRUE(at::equal(calibrated, propagated));
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THROW(propagateBlock(model->config, weights->block(0), propagated, stop.get_token()),
                 Cancelled);
}

TEST(CalibrateBlock, StopsWhenAsked) {
    const auto model = test::tinyModel();
    const auto weights = modelWeights(model);
    torch::Tensor hidden = weights->embed(at::arange(64).view({1, 64}));
    std::stop_source source;
    source.request_stop();
    EXPECT_THROW(calibrateBlock(model->config, weights->block(0), hidden, source.get_token()),
                 Cancelled);
}
