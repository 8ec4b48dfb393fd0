// What `caldera fidelity` tells.
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "core/report/report.h"

namespace caldera::cli {

struct FidelityOutcome {
    const Report& report; ///< metrics in the order of the file
    std::string metric;   ///< the one that single names in the JSON speak of
    std::filesystem::path out;
    double seconds = 0;
};

/// `metric`, `description`, `values` of one metric; `metrics`: all of them; `rank_correlations`.
nlohmann::json fidelityJson(const FidelityOutcome& outcome);
/// " (95 %: 0.0203 to 0.0230)"; empty when the standard error is not known (0).
std::string intervalText(double mean, double standardError);
void printFidelity(const FidelityOutcome& outcome);

/// What qwen2-caldera-max's layer_fidelity.py writes, from the metric "lens". `text`: name of the
/// text.
nlohmann::json lensJson(const FidelityMetric& lens, const std::string& model,
                        const std::string& text);

} // namespace caldera::cli
