// Proof that packed bytes decode to what the solver meant.
#pragma once

#include <map>
#include <string>

#include <torch/types.h>

#include "core/artifact/compressed_cell.h"
#include "core/plan/plan.h"

namespace caldera {

/// codecTableHash() of every codec that the plan's cells need, by codec id.
std::map<std::string, std::string> codecTables(const Plan& plan, const ModelConfig& config);

/// Decodes the cell and compares its distance from the original weight [rows, columns], input by
/// input, with what its report says. Throws Error("artifact.verify") naming the cell.
void checkPacking(const CompressedCell& cell, const torch::Tensor& weight);

} // namespace caldera
