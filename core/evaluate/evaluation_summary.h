// From the scores of tokens to the numbers of an evaluation.
#pragma once

#include <span>

#include "core/evaluate/evaluate.h"
#include "core/evaluate/token_scores.h"
#include "core/report/value_interval.h"

namespace caldera {

/// Standard error of the mean, values taken as independent; 0 of fewer than two.
double standardError(std::span<const double> values);

/// Why there is no interval.
inline constexpr const char* kOneBlock = "one block of 128 tokens";
inline constexpr const char* kOneQuestion = "one question";
/// Puts the ends of an interval beside the number; of what has none, the fact kNoInterval.
/// `single`: what there was only one of.
void addInterval(EvaluationRecord& record, const std::string& number, const MeanInterval& interval,
                 const char* single);

/// Means, percentiles and intervals of scores that are not empty; the seed is that of the
/// intervals.
Evaluation summarize(TokenScores scores, uint64_t seed);

} // namespace caldera
