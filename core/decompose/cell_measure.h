// What the report keeps of a finished cell, measured on the weight that its packed bytes decode to.
#pragma once

#include <torch/types.h>

#include "core/decompose/decompose.h"

namespace caldera {

/// Fills errors, spectra and profiles of cell.report from the decoded cell; `weight` is the
/// original [rows, columns].
void measureCell(CompressedCell& cell, const torch::Tensor& weight, const GroupBasis& basis);

} // namespace caldera
