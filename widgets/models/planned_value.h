// What a metric says of a cell as the plan has it, and how that is known.
#pragma once

#include <QString>

#include <optional>

#include "core/plan/plan.h"
#include "widgets/models/value_standing.h"

namespace caldera::studio {

class Session;

struct PlannedValue {
    double value = 0;
    QString kind; ///< "interpolated", "measured at 2/16"; for people
    ValueStanding standing = ValueStanding::Measured;
};

/// The error of the settings follows them, between the settings that were measured; what other
/// metrics measured stays as it is, with the settings that it was measured at where the plan has
/// others. nullopt: not measured.
std::optional<PlannedValue> plannedValue(const Session& session, const QString& metricId, Cell cell,
                                         const CellSettings& settings);

/// What was measured, whatever the settings beside it.
std::optional<PlannedValue> measuredValue(const Session& session, const QString& metricId,
                                          Cell cell, const CellSettings& settings);

} // namespace caldera::studio
