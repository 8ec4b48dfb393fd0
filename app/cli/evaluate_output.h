// What `caldera evaluate` prints.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/evaluate/choice_accuracy.h"
#include "core/evaluate/evaluate.h"

namespace caldera::cli {

/// What one run found out; parts that were not asked for are absent.
struct EvaluateOutcome {
    struct Text {
        Evaluation evaluation;
        EvaluationRecord record;
        std::optional<double> unigram; ///< perplexity of the baseline
    };
    struct Task {
        ChoiceEvaluation evaluation;
        EvaluationRecord record;
    };
    std::optional<Text> text;
    std::vector<Task> tasks;
};

/// The numbers and facts of the text, and a list "tasks" where there are some.
nlohmann::json toJson(const EvaluateOutcome& outcome);
void printText(const EvaluateOutcome& outcome);

} // namespace caldera::cli
