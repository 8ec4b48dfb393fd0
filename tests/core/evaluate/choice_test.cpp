#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/evaluate/choice_accuracy.h"
#include "core/evaluate/choice_sequences.h"
#include "core/evaluate/continuation_scores.h"
#include "core/report/value_interval.h"
#include "tests/support/code_of.h"
#include "tests/support/random_model.h"

using namespace caldera;

namespace {

/// Questions of several lengths.
std::vector<Question> someQuestions(int count) {
    std::vector<Question> questions;
    const std::string text = test::tinyText(400);
    for (int i = 0; i < count; ++i) {
        const auto place = static_cast<size_t>(i * 7 % 300);
        const std::string context = text.substr(place, 5 + static_cast<size_t>(i * 5 % 30));
        questions.push_back({{{context, " " + text.substr(place + 40, 3)},
                              {context, " " + text.substr(place + 50, 4)},
                              {context, " " + text.substr(place + 60, 3)}},
                             i % 3});
    }
    return questions;
}

ChoiceRequest requestFor(std::vector<Question> questions, uint32_t reference = 0) {
    ChoiceRequest request;
    request.subject = modelWeights(test::tinyModel(1));
    if (reference > 0) {
        request.reference = modelWeights(test::tinyModel(reference));
    }
    request.tokenizer = test::tinyTokenizer();
    request.questions = std::move(questions);
    return request;
}

ChoiceEvaluation run(const ChoiceRequest& request) {
    return evaluateChoices(request, noProgress(), {});
}

/// Of one choice, alone and unpadded.
double likelihoodOf(const ChoiceRequest& request, const Choice& choice) {
    const auto tokens = request.tokenizer->encode(choice.context + choice.continuation);
    const size_t begin = request.tokenizer->encode(choice.context).size();
    const auto ids = at::tensor(std::vector<int64_t>(tokens.begin(), tokens.end()), at::kLong);
    const torch::Tensor rows = at::log_softmax(
        logitsOf(*request.subject, forwardHidden(*request.subject, ids.unsqueeze(0)))[0].to(
            at::kDouble),
        1);
    double sum = 0;
    for (size_t place = begin; place < tokens.size(); ++place) {
        sum += rows[static_cast<int64_t>(place) - 1][tokens[place]].item<double>();
    }
    return sum;
}

} // namespace

TEST(Choices, LikelihoodsAreThoseOfEachAlone) {
    const ChoiceRequest request = requestFor(someQuestions(20));
    const ChoiceEvaluation result = run(request);
    double right = 0;
    double rightByLength = 0;
    for (size_t i = 0; i < request.questions.size(); ++i) {
        const Question& question = request.questions[i];
        std::vector<double> alone;
        std::vector<double> byLength;
        for (size_t j = 0; j < question.choices.size(); ++j) {
            alone.push_back(likelihoodOf(request, question.choices[j]));
            EXPECT_NEAR(result.likelihoods[i][j], alone.back(), 1e-4);
            const auto letters = static_cast<double>(question.choices[j].continuation.size() - 1);
            byLength.push_back(alone.back() / letters);
        }
        const auto best = [](const std::vector<double>& values) {
            return std::max_element(values.begin(), values.end()) - values.begin();
        };
        right += best(alone) == question.answer ? 1 : 0;
        rightByLength += best(byLength) == question.answer ? 1 : 0;
    }
    EXPECT_NEAR(result.subject.plain.mean, right / 20, 1e-12);
    EXPECT_NEAR(result.subject.normalized.mean, rightByLength / 20, 1e-12);
}

TEST(Choices, TheSameRequestGivesTheSameBitsAlsoInParts) {
    auto request = requestFor(someQuestions(30), 2);
    const ChoiceEvaluation first = run(request);
    EXPECT_EQ(run(request).likelihoods, first.likelihoods);
    request.hiddenBytes = 1;
    const ChoiceEvaluation parts = run(request);
    EXPECT_EQ(parts.likelihoods, first.likelihoods);
    EXPECT_EQ(parts.subject.plain.low, first.subject.plain.low);
}

TEST(Choices, AModelAnswersAsItself) {
    const ChoiceEvaluation same = run(requestFor(someQuestions(12), 1));
    EXPECT_EQ(*same.sameAnswers, 1);
    EXPECT_EQ(same.difference->plain.low, 0);
    EXPECT_EQ(same.difference->plain.high, 0);
    const ChoiceEvaluation other = run(requestFor(someQuestions(40), 2));
    EXPECT_LT(*other.sameAnswers, 1);
    EXPECT_NEAR(other.difference->plain.mean,
                other.subject.plain.mean - other.reference->plain.mean, 1e-12);
    const auto numbers = toRecord("q", other).numbers;
    EXPECT_EQ(numbers.at("accuracy"), other.subject.plain.mean);
    EXPECT_EQ(numbers.at("accuracy_normalized_difference_high"), other.difference->normalized.high);
}

TEST(Choices, AReferenceOfAnotherVocabularyIsRefused) {
    ChoiceRequest request = requestFor(someQuestions(2), 2);
    const auto other = std::make_shared<Model>(*test::tinyModel(2));
    other->config.vocabSize += 8;
    request.reference = modelWeights(other);
    EXPECT_EQ(test::codeOf([&] { run(request); }), "evaluate.vocabulary");
}

TEST(Choices, OneQuestionHasNoIntervalAndSaysSo) {
    const EvaluationRecord one = toRecord("q", run(requestFor(someQuestions(1), 2)));
    EXPECT_TRUE(one.numbers.contains("accuracy"));
    EXPECT_FALSE(one.numbers.contains("accuracy_low"));
    EXPECT_FALSE(one.numbers.contains("accuracy_difference_high"));
    EXPECT_EQ(one.facts.at(kNoInterval), "one question");
    EXPECT_EQ(one.facts.at("protocol"), "choices/1");
}

TEST(Choices, LongContextsLoseTheirBeginning) {
    const std::string text = test::tinyText(200);
    const ChoiceEvaluation result =
        run(requestFor({{{{text, " a"}, {text, " b"}}, 0}})); // the model has 64 positions
    EXPECT_EQ(result.cut, 2);
    const std::string end = text.substr(text.size() - 63);
    const ChoiceRequest alone = requestFor({{{{end, " a"}, {end, " b"}}, 0}});
    EXPECT_EQ(run(alone).cut, 0);
    EXPECT_NEAR(run(alone).likelihoods[0][1], result.likelihoods[0][1], 1e-5);
}

TEST(ContinuationScores, AreThoseOfWholeLogits) {
    const auto model = modelWeights(test::tinyModel(1));
    const auto tokens = test::tinyTokenizer()->encode(test::tinyText(30));
    const std::span<const Token> all = tokens;
    const auto known = static_cast<int64_t>(*std::max_element(tokens.begin(), tokens.end()) + 1);
    ASSERT_LT(known, model->config().vocabSize) << "rows beyond are no tokens";
    const auto scores =
        scoreContinuation(*model, all.first(10), all.subspan(10), {4, known}, noProgress(), {});
    const torch::Tensor rows = at::log_softmax(
        logitsOf(*model,
                 forwardHidden(*model,
                               at::tensor(std::vector<int64_t>(all.begin(), all.end()), at::kLong)
                                   .unsqueeze(0)))[0]
            .narrow(1, 0, known)
            .to(at::kDouble),
        1);
    ASSERT_EQ(scores.size(), 20U);
    for (size_t i = 0; i < scores.size(); ++i) {
        const torch::Tensor row = rows[static_cast<int64_t>(i) + 9];
        EXPECT_EQ(scores[i].token, tokens[i + 10]);
        EXPECT_NEAR(scores[i].logProbability, row[scores[i].token].item<double>(), 1e-5);
        ASSERT_EQ(scores[i].likeliest.size(), 4U);
        EXPECT_EQ(scores[i].likeliest[0], row.argmax().item<int64_t>());
        EXPECT_NEAR(scores[i].likeliestLogProbabilities[3],
                    std::get<0>(row.topk(4))[3].item<double>(), 1e-5);
    }
    const std::vector<Token> many(80, 1); // the model has 64 positions
    EXPECT_THROW(scoreContinuation(*model, all.first(1), many, {4, known}, noProgress(), {}),
                 Error);
}

TEST(Choices, StopWhenAsked) {
    std::stop_source source;
    source.request_stop();
    EXPECT_THROW(evaluateChoices(requestFor(someQuestions(3)), noProgress(), source.get_token()),
                 Cancelled);
}
