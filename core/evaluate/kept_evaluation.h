// An evaluation against what a reference predicted once, which is kept in a folder.
#pragma once

#include <vector>

#include "core/evaluate/evaluate.h"
#include "core/evaluate/model_pass.h"
#include "core/evaluate/windows.h"

namespace caldera {

/// Of a request with `kept`, or with `keep` and a reference. What is not kept yet is made: there
/// the reference passes beside the subject, so that their states can be compared too.
/// Throws Error("evaluate.*"), Error("reference.*"), Error("file.*"), Cancelled.
Evaluation evaluateAgainstKept(const EvaluateRequest& request,
                               const std::vector<WindowGroup>& groups, WorkMeter& meter);

} // namespace caldera
