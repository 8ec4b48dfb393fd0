// Two models over the same windows, and how far their states part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/evaluate/evaluate.h"
#include "core/evaluate/state_copies.h"
#include "core/evaluate/windows.h"

namespace caldera {

/// Plans a model's way through groups.
void planWork(const ModelConfig& config, const std::vector<WindowGroup>& groups, WorkMeter& meter);
/// Counts a model's way through a group that an earlier run made.
void skipWork(const ModelConfig& config, const WindowGroup& group, WorkMeter& meter);

/// What scores of a text depend on besides the models and `reference`.
std::string nameOfText(const EvaluateRequest& request, const std::vector<WindowGroup>& groups,
                       const std::string& reference);

/// Begins the request's model's way through a group, with that of the reference beside it if
/// `hasReference`. Where both have the same depth and width, their states are compared on the way.
JointPass beginPass(const EvaluateRequest& request, const WindowGroup& group, bool hasReference);

/// Evaluation::hiddenError of passes whose numbers were added up; empty unless the states of all
/// `tokens` were compared.
std::vector<double> hiddenErrorOf(const std::vector<double>& numbers, int64_t tokens);

} // namespace caldera
