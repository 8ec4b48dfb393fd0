#include "core/evaluate/evaluate.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/evaluate/evaluation_summary.h"
#include "core/evaluate/token_scores.h"
#include "core/evaluate/windows.h"
#include "tests/support/random_model.h"

using namespace caldera;

namespace {

EvaluateRequest requestFor(const std::string& text, uint32_t subject = 1, uint32_t reference = 0) {
    EvaluateRequest request;
    request.subject = modelWeights(test::tinyModel(subject));
    if (reference > 0) {
        request.reference = modelWeights(test::tinyModel(reference));
    }
    request.tokenizer = test::tinyTokenizer();
    request.text = text;
    request.contextLength = 32;
    return request;
}

Evaluation run(const EvaluateRequest& request) {
    return evaluate(request, noProgress(), {});
}

std::string codeOf(const EvaluateRequest& request) {
    try {
        run(request);
    } catch (const Error& error) {
        return error.code();
    }
    return "";
}

} // namespace

TEST(Windows, CoverEveryTokenOnce) {
    const std::string text = test::tinyText(333);
    const auto request = requestFor(text);
    const auto expected = request.tokenizer->encode(text);
    std::vector<Token> seen;
    int64_t predicted = 0;
    for (const WindowGroup& group : evaluationWindows(request)) {
        ASSERT_EQ(group.tokens.size(1), 32);
        predicted += group.predicted;
        const torch::Tensor flat = group.tokens.contiguous().view(-1);
        for (int64_t i = 0; i < flat.size(0); ++i) {
            seen.push_back(static_cast<Token>(flat[i].item<int64_t>()));
        }
    }
    ASSERT_EQ(seen.size(), 352U); // 11 windows, the last one padded
    EXPECT_EQ(std::vector<Token>(seen.begin(), seen.begin() + 333), expected);
    EXPECT_EQ(predicted, 333 - 11); // every token but the first of each window
}

TEST(Windows, PartsHoldTheSameWindows) {
    auto request = requestFor(test::tinyText(333));
    const std::vector<WindowGroup> whole = evaluationWindows(request);
    ASSERT_EQ(whole.size(), 1U);
    request.hiddenBytes = 4 * 32 * 32 * 4; // four windows
    const std::vector<WindowGroup> parts = evaluationWindows(request);
    ASSERT_EQ(parts.size(), 3U);
    std::vector<torch::Tensor> tokens;
    int64_t predicted = 0;
    for (const WindowGroup& part : parts) {
        tokens.push_back(part.tokens);
        predicted += part.predicted;
    }
    EXPECT_TRUE(at::equal(at::cat(tokens), whole[0].tokens));
    EXPECT_EQ(predicted, whole[0].predicted);
}

TEST(Windows, AShortTextIsOneWindow) {
    const std::vector<WindowGroup> groups = evaluationWindows(requestFor("ten tokens"));
    ASSERT_EQ(groups.size(), 1U);
    EXPECT_EQ(groups[0].tokens.sizes(), (std::vector<int64_t>{1, 10}));
    EXPECT_EQ(groups[0].predicted, 9);
}

TEST(Evaluate, AModelDoesNotDivergeFromItself) {
    const Evaluation result = run(requestFor(test::tinyText(500), 3, 3));
    EXPECT_TRUE(result.hasReference);
    EXPECT_EQ(result.klMean, 0);
    EXPECT_EQ(result.klMax, 0);
    EXPECT_EQ(result.top1Agreement, 1);
    EXPECT_EQ(result.perplexity, result.referencePerplexity);
}

TEST(Evaluate, AUniformModelsPerplexityIsItsVocabulary) {
    auto model = test::tinyModel();
    auto weights = test::tinyWeights(model->config, 1);
    for (float& value : weights->values("lm_head.weight")) {
        value = 0;
    }
    model->weights = weights;
    auto request = requestFor(test::tinyText(300));
    request.subject = modelWeights(model);
    const Evaluation result = run(request);
    EXPECT_NEAR(result.perplexity, 96, 1e-9);
    EXPECT_NEAR(result.perplexityError, 0, 1e-9);
    EXPECT_EQ(result.tokens, 300 - 10);
    EXPECT_FALSE(result.hasReference);
}

TEST(Evaluate, EqualsTheFormulasOnWholeLogits) {
    const auto request = requestFor(test::tinyText(32), 1, 2);
    const Evaluation result = run(request);
    const torch::Tensor tokens = evaluationWindows(request)[0].tokens;
    const auto logProbabilities = [&](const TransformerWeights& weights) {
        return at::log_softmax(
            logitsOf(weights, forwardHidden(weights, tokens))[0].narrow(0, 0, 31).to(at::kDouble),
            1);
    };
    const torch::Tensor subject = logProbabilities(*request.subject);
    const torch::Tensor reference = logProbabilities(*request.reference);
    const torch::Tensor targets = tokens[0].narrow(0, 1, 31).unsqueeze(1);
    const torch::Tensor loss = -subject.gather(1, targets);
    EXPECT_NEAR(result.perplexity, std::exp(loss.mean().item<double>()), 1e-3);
    EXPECT_NEAR(result.perplexityError / result.perplexity,
                loss.std().item<double>() / std::sqrt(31.0), 1e-5);
    const torch::Tensor divergence = (reference.exp() * (reference - subject)).sum(1);
    EXPECT_NEAR(result.klMean, divergence.mean().item<double>(), 1e-5);
    EXPECT_NEAR(result.klMax, divergence.max().item<double>(), 1e-5);
    EXPECT_NEAR(result.klP99, at::quantile(divergence, 0.99).item<double>(), 1e-5);
    EXPECT_NEAR(result.klMedian, at::quantile(divergence, 0.5).item<double>(), 1e-5);
    EXPECT_NEAR(result.top1Agreement,
                (subject.argmax(1) == reference.argmax(1)).to(at::kDouble).mean().item<double>(),
                1e-12);
}

TEST(Evaluate, TellsHowTheErrorGrowsThroughTheDepth) {
    auto request = requestFor(test::tinyText(100), 1, 2); // the last window is padded
    const Evaluation result = run(request);
    const int layers = request.subject->config().layerCount;
    ASSERT_EQ(result.hiddenError.size(), static_cast<size_t>(layers));
    const WindowGroup group = evaluationWindows(request)[0];
    const torch::Tensor tokens = group.tokens.narrow(1, 0, group.tokens.size(1) - 1).contiguous();
    const auto states = [&](const TransformerWeights& weights) {
        return forwardHidden(weights, tokens).flatten(0, 1).narrow(0, 0, group.predicted);
    };
    const torch::Tensor there = states(*request.reference);
    const torch::Tensor relative = (states(*request.subject) - there).norm(2, 1) / there.norm(2, 1);
    EXPECT_NEAR(result.hiddenError.back(), relative.mean().item<double>(), 1e-5);
    request.hiddenBytes = 1;
    EXPECT_NEAR(run(request).hiddenError.front(), result.hiddenError.front(), 1e-5);
    for (const double error : run(requestFor(test::tinyText(100), 3, 3)).hiddenError) {
        EXPECT_EQ(error, 0) << "a model beside itself";
    }
    EXPECT_TRUE(run(requestFor(test::tinyText(100))).hiddenError.empty());
    EXPECT_EQ(toRecord("a", result).layers.at("hidden_error"), result.hiddenError);
}

TEST(Evaluate, GivesTheSameNumbersAgainAndInParts) {
    auto request = requestFor(test::tinyText(1000), 1, 2);
    const auto first = toRecord("a", run(request)).numbers;
    auto again = toRecord("a", run(request)).numbers;
    again["seconds"] = first.at("seconds");
    EXPECT_EQ(first, again);
    request.hiddenBytes = 1;
    for (const auto& [name, value] : toRecord("a", run(request)).numbers) {
        if (name != "seconds") {
            EXPECT_NEAR(value, first.at(name), 1e-5 * std::abs(first.at(name)) + 1e-6) << name;
        }
    }
}

TEST(Evaluate, NoMoreTokensThanAsked) {
    auto request = requestFor(test::tinyText(1000));
    request.maxTokens = 64;
    EXPECT_EQ(run(request).tokens, 62);
}

TEST(Evaluate, BadRequestsAreRefused) {
    EXPECT_EQ(codeOf(requestFor("")), "evaluate.too-short");
    auto request = requestFor(test::tinyText(100));
    request.contextLength = 65; // the model has 64 positions
    EXPECT_EQ(codeOf(request), "evaluate.context");
    request.contextLength = 1;
    EXPECT_EQ(codeOf(request), "evaluate.context");
    request.contextLength = 32;
    ModelConfig other = test::tinyConfig();
    other.vocabSize = 100;
    request.reference = modelWeights(test::tinyModel(1, other));
    EXPECT_EQ(codeOf(request), "evaluate.vocabulary");
}

TEST(Evaluate, ModelsThatPredictNoNumbersAreRefusedByName) {
    const auto spoilt = [](const std::string& tensor, float value) {
        const ModelConfig config = test::tinyConfig();
        const auto weights = test::tinyWeights(config, 1);
        weights->values(tensor).front() = value;
        auto model = std::make_shared<Model>(*test::tinyModel(1));
        model->weights = weights;
        return modelWeights(model);
    };
    const auto complaintOf = [](const EvaluateRequest& request) -> std::string {
        try {
            run(request);
        } catch (const Error& error) {
            return error.code() + ": " + error.what();
        }
        return "";
    };
    for (const char* tensor : {"model.layers.0.self_attn.q_proj.weight", "model.norm.weight"}) {
        for (const float value : {NAN, INFINITY}) {
            auto request = requestFor(test::tinyText(100), 1, 2);
            request.subject = spoilt(tensor, value);
            EXPECT_EQ(complaintOf(request).find("evaluate.not-finite: The evaluated model"), 0)
                << complaintOf(request);
            std::swap(request.subject, request.reference);
            EXPECT_EQ(complaintOf(request).find("evaluate.not-finite: The reference model"), 0)
                << complaintOf(request);
        }
    }
}

TEST(Evaluate, StopsWhenAsked) {
    std::stop_source source;
    source.request_stop();
    EXPECT_THROW(evaluate(requestFor(test::tinyText(100)), noProgress(), source.get_token()),
                 Cancelled);
}

TEST(TokenScores, SmallDivergencesAreNotLostInRounding) {
    at::manual_seed(1);
    // Large logits with a common offset: the naive f32 sum is off by more than the answer.
    const torch::Tensor reference = at::randn({4, 5000}) * 3 + 200;
    const torch::Tensor subject = reference + 1e-3 * at::randn({4, 5000}) + 0.25;
    const torch::Tensor exactReference = at::log_softmax(reference.to(at::kDouble), 1);
    const torch::Tensor exactSubject = at::log_softmax(subject.to(at::kDouble), 1);
    const torch::Tensor exact = (exactReference.exp() * (exactReference - exactSubject)).sum(1);
    TokenScores scores;
    scoreTokens(subject.clone(), reference.clone(), at::zeros({4}, at::kLong), scores);
    for (int64_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(scores.divergence[static_cast<size_t>(i)], exact[i].item<double>(), 1e-7);
    }
}

TEST(TokenScores, AreThoseOfEveryTokenHoweverManyThereAre) {
    constexpr int64_t kTokens = 1000; // several shares of every thread, and a remainder
    constexpr int64_t kVocabulary = 1501;
    at::manual_seed(5);
    const torch::Tensor subject = at::randn({kTokens, kVocabulary}) * 3;
    const torch::Tensor reference = subject + at::randn({kTokens, kVocabulary});
    const torch::Tensor targets = at::arange(kTokens).remainder(kVocabulary);
    TokenScores scores;
    scoreTokens(subject.narrow(0, 0, 300).clone(), reference.narrow(0, 0, 300).clone(),
                targets.narrow(0, 0, 300), scores);
    scoreTokens(subject.narrow(0, 300, 700).clone(), reference.narrow(0, 300, 700).clone(),
                targets.narrow(0, 300, 700), scores);
    const torch::Tensor p = at::log_softmax(subject.to(at::kDouble), 1);
    const torch::Tensor r = at::log_softmax(reference.to(at::kDouble), 1);
    const auto expect = [&](const std::vector<double>& found, const torch::Tensor& wanted) {
        ASSERT_EQ(found.size(), static_cast<size_t>(kTokens));
        EXPECT_TRUE(at::allclose(at::tensor(found, at::kDouble), wanted, 1e-5, 1e-6));
    };
    const auto ofTargets = [&](const torch::Tensor& x) {
        return -x.gather(1, targets.unsqueeze(1)).squeeze(1);
    };
    expect(scores.loss, ofTargets(p));
    expect(scores.referenceLoss, ofTargets(r));
    expect(scores.divergence, (r.exp() * (r - p)).sum(1));
    const torch::Tensor same = (subject.argmax(1) == reference.argmax(1)).to(at::kDouble);
    EXPECT_TRUE(at::equal(at::tensor(scores.sameTop, at::kDouble), same));
    const torch::Tensor five =
        (std::get<1>(subject.topk(5)).unsqueeze(2) == std::get<1>(reference.topk(5)).unsqueeze(1))
            .flatten(1)
            .sum(1)
            .to(at::kDouble) /
        5;
    EXPECT_TRUE(at::equal(at::tensor(scores.sharedTop, at::kDouble), five));
}

TEST(Evaluate, IntervalsHoldTheirMeanAndFollowTheSeed) {
    auto request = requestFor(test::tinyText(2000), 1, 2);
    const Evaluation first = run(request);
    for (const auto& [name, interval] : first.intervals) {
        EXPECT_LT(interval.low, interval.high) << name;
        EXPECT_LE(interval.low, interval.mean) << name;
        EXPECT_GE(interval.high, interval.mean) << name;
    }
    EXPECT_DOUBLE_EQ(first.intervals.at("perplexity").mean, first.perplexity);
    EXPECT_NEAR(first.intervals.at("perplexity_ratio").mean,
                first.perplexity / first.referencePerplexity, 1e-9);
    request.seed = 2;
    EXPECT_NE(run(request).intervals.at("kl_mean").low, first.intervals.at("kl_mean").low);
}

TEST(Bootstrap, NeighboursThatMoveTogetherWidenTheInterval) {
    std::vector<double> values;
    for (int i = 0; i < 640; ++i) {
        values.push_back(i / 64 % 2); // runs of 64 equal values: ten observations, not 640
    }
    const MeanInterval single = bootstrapMean(values, 1);
    const MeanInterval blocks = bootstrapMean(values, 1, 64);
    EXPECT_EQ(single.mean, blocks.mean);
    EXPECT_GT(blocks.high - blocks.low, 4 * (single.high - single.low));
    EXPECT_TRUE(blocks.isKnown());
}

TEST(Bootstrap, KnowsNoIntervalFromASingleBlock) {
    EXPECT_FALSE(bootstrapMean(std::vector<double>{3, 5, 7}, 1, 128).isKnown());
    EXPECT_FALSE(bootstrapMean(std::vector<double>{3}, 1).isKnown());
    EXPECT_TRUE(bootstrapMean(std::vector<double>{3, 5, 7}, 1, 2).isKnown());
}

/// Ends as statsmodels' proportion_confint(method="wilson") has them.
TEST(Share, AllAlikeIsNoProofOfAllOthers) {
    const MeanInterval all = shareOf(std::vector<double>(4, 1));
    EXPECT_EQ(all.mean, 1);
    EXPECT_NEAR(all.low, 0.5101, 1e-4);
    EXPECT_EQ(all.high, 1);
    const MeanInterval most = shareOf(std::vector<double>{1, 1, 0, 1, 1, 1, 1, 0, 1, 1});
    EXPECT_NEAR(most.low, 0.4902, 1e-4);
    EXPECT_NEAR(most.high, 0.9433, 1e-4);
    EXPECT_EQ(shareOf(std::vector<double>(5, 0)).low, 0);
}

TEST(Evaluate, ASingleBlockHasNoIntervalAndSaysSo) {
    TokenScores scores;
    scores.loss.assign(128, 1.5);
    const EvaluationRecord one = toRecord("t", summarize(scores, 1));
    EXPECT_FALSE(one.numbers.contains("perplexity_low"));
    EXPECT_FALSE(one.numbers.contains("perplexity_high"));
    EXPECT_EQ(one.facts.at(kNoInterval), "one block of 128 tokens");
    scores.loss.push_back(2);
    const EvaluationRecord two = toRecord("t", summarize(scores, 1));
    EXPECT_TRUE(two.numbers.contains("perplexity_low"));
    EXPECT_FALSE(two.facts.contains(kNoInterval));
}

TEST(Unigram, CountsWithAddOneSmoothing) {
    const auto tokenizer = test::tinyTokenizer();
    // 96 tokens: "a" was seen 4 times of 4, "b" never.
    EXPECT_NEAR(unigramPerplexity(*tokenizer, "aaaa", "aa"), 100.0 / 5, 1e-9);
    EXPECT_NEAR(unigramPerplexity(*tokenizer, "aaaa", "bb"), 100.0, 1e-9);
}
