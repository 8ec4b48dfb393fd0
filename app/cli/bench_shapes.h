// Sizes of well-known models, for measuring without their weights.
#pragma once

#include <string>

#include "core/model/config.h"

namespace caldera::cli {

/// "" when there is such a shape: the sentence of a CLI11 validator.
std::string shapeComplaint(const std::string& name);

/// The same of ranks that kernels are made for.
std::string rankComplaint(const std::string& rank);

/// The configuration of a known shape.
ModelConfig shapeConfig(const std::string& name);

} // namespace caldera::cli
