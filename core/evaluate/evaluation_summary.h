// From the scores of tokens to the numbers of an evaluation.
#pragma once

#include <span>

#include "core/evaluate/evaluate.h"
#include "core/evaluate/token_scores.h"

namespace caldera {

/// Standard error of the mean, values taken as independent; 0 of fewer than two.
double standardError(std::span<const double> values);

/// Means, percentiles and intervals of scores that are not empty; the seed is that of the
/// intervals.
Evaluation summarize(TokenScores scores, uint64_t seed);

} // namespace caldera
