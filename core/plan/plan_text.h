// How plan values look in YAML; for this folder.
#pragma once

#include <cstdint>
#include <string>

#include "core/plan/plan.h"

namespace caldera {

std::string yamlScalar(double value);
std::string yamlScalar(int value);
std::string yamlScalar(int64_t value);
std::string yamlScalar(uint64_t value);
std::string yamlScalar(bool value);
/// Plain where no YAML reader can take it for something else, else double-quoted. Throws
/// Error("plan.encoding") when it is not UTF-8.
std::string yamlScalar(const std::string& value);

/// "{bq: 2, rank: 96}"
std::string yamlFlowMap(const CellOverride& override);

} // namespace caldera
