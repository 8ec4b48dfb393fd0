// What the options of `caldera fidelity` mean.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "core/fidelity/fidelity.h"

namespace caldera::cli {

/// "proxy", "kl", "sipit", "lens".
const std::vector<std::string>& metricNames();
/// Names to metrics, each once.
std::set<Metric> parseMetrics(const std::vector<std::string>& names);

/// "1.5,2,3x0,64" to every pair of bits and rank, "none" to no pair. Throws
/// UsageError("fidelity.options") for anything else, bits that no codec has and ranks that are no
/// multiple of 16.
std::vector<OptionChoice> parseOptions(const std::string& text);

} // namespace caldera::cli
