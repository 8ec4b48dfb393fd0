// What is measured without a model's weights: sizes of well-known ones, codes of a GPU.
#pragma once

#include <string>

#include "core/model/config.h"
#include "kernels/step/step_code.h"

namespace caldera::cli {

/// "" when there is such a shape: the sentence of a CLI11 validator.
std::string shapeComplaint(const std::string& name);

/// The same of ranks that kernels are made for.
std::string rankComplaint(const std::string& rank);

/// Never null. Throws Error("bench.codec") where the GPU has no product with the codec.
const kernels::StepCode* gpuCode(const std::string& codec);

/// The configuration of a known shape.
ModelConfig shapeConfig(const std::string& name);

} // namespace caldera::cli
