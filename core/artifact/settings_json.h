// CellSettings as JSON, by the key names of the plan.
#pragma once

#include <nlohmann/json.hpp>

#include "core/plan/plan.h"

namespace caldera {

nlohmann::json settingsToJson(const CellSettings& settings);
/// Throws nlohmann::json::exception for a missing key or a wrong type.
CellSettings settingsFromJson(const nlohmann::json& json);

} // namespace caldera
