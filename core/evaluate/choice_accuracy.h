// How often a model finds the right choice likeliest.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/evaluate/bootstrap.h"
#include "core/evaluate/evaluation_work.h"
#include "core/evaluate/questions.h"
#include "core/forward/transformer.h"
#include "core/job/progress.h"
#include "core/report/report.h"

namespace caldera {

struct ChoiceRequest {
    std::shared_ptr<const TransformerWeights> subject;
    std::shared_ptr<const TransformerWeights> reference; ///< may be null
    std::shared_ptr<const Tokenizer> tokenizer;
    std::vector<Question> questions; ///< not empty
    uint64_t seed = 1;               ///< of the intervals
    /// Hidden states held at once; more questions pass in parts.
    int64_t hiddenBytes = int64_t{1} << 30;
    EvaluationWork work = {}; ///< of a run that was killed, which this one goes on with
};

/// Log-likelihoods of the continuations, nats: [question][choice].
using ChoiceLikelihoods = std::vector<std::vector<double>>;

/// Shares of the questions with their 95 % intervals.
struct ChoiceAccuracy {
    MeanInterval plain;      ///< acc: the likeliest continuation is the right one
    MeanInterval normalized; ///< acc_norm: the likeliest a character is
};

struct ChoiceEvaluation {
    int64_t questions = 0;
    int64_t cut = 0; ///< choices longer than the model's context, whose beginning was left out
    ChoiceLikelihoods likelihoods;
    ChoiceAccuracy subject;
    std::optional<ChoiceAccuracy> reference;
    /// By how much the subject's accuracy is above the reference's, question by question.
    std::optional<ChoiceAccuracy> difference;
    std::optional<double> sameAnswers; ///< share of the questions that both answer alike
    uint64_t seed = 0;
    double seconds = 0;
};

/// Scores every continuation after its context, one block of the model in memory at a time
/// (docs/evaluation.md). The same request gives the same bits again. Throws
/// Error("evaluate.not-finite"), Cancelled.
ChoiceEvaluation evaluateChoices(const ChoiceRequest& request, Progress& progress,
                                 const std::stop_token& stop);

EvaluationRecord toRecord(const std::string& name, const ChoiceEvaluation& evaluation);

} // namespace caldera
