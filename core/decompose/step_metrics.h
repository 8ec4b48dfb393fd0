// What the steps of the solver weigh errors with.
#pragma once

#include <string>

#include <torch/types.h>

#include "core/decompose/decompose.h"
#include "core/plan/plan.h"

namespace caldera {

/// Whether a step, "Q" or "LR", weighs errors with the Hessian.
bool seesHessian(const CellSettings& settings, const std::string& step);

torch::Tensor identityLike(const torch::Tensor& square);

/// What the first fit of L R weighs when it comes before Q: [columns, columns], rotated.
torch::Tensor startMetric(const CellSettings& settings, const GroupBasis& basis);

} // namespace caldera
