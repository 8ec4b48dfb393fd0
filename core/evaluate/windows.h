// The text of an evaluation as windows of tokens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/types.h>

#include "core/evaluate/evaluate.h"

namespace caldera {

/// Windows that fit in memory together.
struct WindowGroup {
    torch::Tensor tokens; ///< [n, t] int64; the end of the last window of a text may be padding
    /// Tokens to score: the first so many of the n (t - 1) predicted ones, row by row.
    int64_t predicted = 0;
    int64_t firstWindow = 0; ///< number of the first one in the text

    int64_t windows() const { return tokens.size(0); }
    /// Predicted tokens of a window that is followed by others.
    int64_t inputs() const { return tokens.size(1) - 1; }
    int64_t predictedIn(int64_t window) const;
    /// What passes: the last token of a window predicts nothing. [n, t - 1]
    torch::Tensor passing() const { return tokens.narrow(1, 0, inputs()).contiguous(); }
    /// [n (t - 1)] the tokens to predict
    torch::Tensor targets() const { return tokens.narrow(1, 1, inputs()).reshape({-1}); }
};

/// Non-overlapping windows of contextLength tokens in text order. The text is tokenized once,
/// without marks of begin or end. The last window is shorter (padded at its end, where a causal
/// model cannot see it from the tokens that count); one left-over token predicts nothing and is
/// dropped. Throws Error("evaluate.too-short").
std::vector<WindowGroup> evaluationWindows(const EvaluateRequest& request);

/// SHA-256 of the tokens and of how they are cut.
std::string textHash(const std::vector<WindowGroup>& groups);

} // namespace caldera
