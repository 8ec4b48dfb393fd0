// One of a report's metrics, by its name.
#pragma once

#include <algorithm>
#include <string_view>

#include "core/report/report.h"

namespace caldera {

/// Null when the report has none of that name. `report`: a Report, const or not, and so is what is
/// found.
template <class AnyReport>
auto* findMetric(AnyReport& report, std::string_view name) {
    const auto found = std::find_if(report.fidelity.begin(), report.fidelity.end(),
                                    [&](const FidelityMetric& each) { return each.name == name; });
    return found == report.fidelity.end() ? nullptr : &*found;
}

} // namespace caldera
