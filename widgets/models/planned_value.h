// What a metric says of a cell as the plan has it, and how that is known.
#pragma once

#include <QString>

#include <optional>

#include "core/plan/plan.h"
#include "core/report/report.h"
#include "widgets/models/value_standing.h"

namespace caldera::studio {

class Session;
struct MetricLayer;

struct PlannedValue {
    double value = 0;
    QString kind; ///< "interpolated", "measured at 2/16"; for people
    ValueStanding standing = ValueStanding::Measured;
};

/// Values of one metric for many cells. The session and its reports stay as they are meanwhile.
class MetricValues {
public:
    MetricValues(const Session& session, const QString& metricId);

    /// The error of the settings follows them, between the settings that were measured; what other
    /// metrics measured stays as it is, with the settings that it was measured at where the plan
    /// has others. nullopt: not measured.
    std::optional<PlannedValue> planned(Cell cell, const CellSettings& settings);

    /// What was measured, whatever the settings beside it.
    std::optional<PlannedValue> measured(Cell cell, const CellSettings& settings);

private:
    std::optional<PlannedValue> errorOf(Cell cell, const CellSettings& settings) const;
    std::optional<MeasuredSettings> measuredAt(Cell cell) const;
    const QString& elsewhere(const MeasuredSettings& at, bool isOtherCodec);

    const Session& session_;
    QString metricId_;
    const MetricLayer* layer_;       ///< null: there is no such metric
    const FidelityMetric* reported_; ///< null: no report says more of it than its values
    MeasuredSettings lastPlace_;     ///< that elsewhere() named
    bool lastIsOtherCodec_ = false;
    QString lastText_;
};

} // namespace caldera::studio
