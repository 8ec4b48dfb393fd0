// The text of an evaluation as windows of tokens.
#pragma once

#include <vector>

#include <torch/types.h>

#include "core/evaluate/evaluate.h"

namespace caldera {

/// Windows that fit in memory together.
struct WindowGroup {
    torch::Tensor tokens; ///< [n, t] int64; the end of the last window of a text may be padding
    /// Tokens to score: the first so many of the n (t - 1) predicted ones, row by row.
    int64_t predicted = 0;
};

/// Non-overlapping windows of contextLength tokens in text order. The text is tokenized once,
/// without marks of begin or end. The last window is shorter (padded at its end, where a causal
/// model cannot see it from the tokens that count); one left-over token predicts nothing and is
/// dropped. Throws Error("evaluate.too-short").
std::vector<WindowGroup> evaluationWindows(const EvaluateRequest& request);

} // namespace caldera
