#include "widgets/models/planned_value.h"

#include <QCoreApplication>
#include <QLocale>

#include "widgets/models/session.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

struct PlannedValues {
    Q_DECLARE_TR_FUNCTIONS(PlannedValues)
};

QString kindOf(ErrorOrigin origin) {
    switch (origin) {
    case ErrorOrigin::Measured:
        return PlannedValues::tr("measured");
    case ErrorOrigin::Interpolated:
        return PlannedValues::tr("interpolated");
    case ErrorOrigin::Extrapolated:
        break;
    }
    return PlannedValues::tr("extrapolated");
}

/// The error of the settings; another codec family is judged by the one that was measured.
std::optional<PlannedValue> errorOf(const Session& session, Cell cell,
                                    const CellSettings& settings) {
    if (settings.skip) {
        return PlannedValue{0, PlannedValues::tr("exact: it stays at 16 bits"),
                            ValueStanding::Measured};
    }
    const MeasuredErrors* errors = session.measuredErrors(cell);
    if (errors == nullptr) {
        return std::nullopt;
    }
    const OptionError error = errors->table.at(settings.bits, settings.rank);
    if (errors->codec != settings.codec) {
        return PlannedValue{error.relativeError, PlannedValues::tr("estimated from another codec"),
                            ValueStanding::WorkedOut};
    }
    return PlannedValue{error.relativeError, kindOf(error.origin),
                        error.origin == ErrorOrigin::Measured ? ValueStanding::Measured
                                                              : ValueStanding::WorkedOut};
}

/// A cell that stays at 16 bits has no rank.
MeasuredSettings asMeasured(const CellSettings& settings) {
    return settings.skip ? MeasuredSettings{settings.codec, 16, 0} : measuredSettings(settings);
}

/// Settings that the metric's value of the cell was measured at; nullopt when there are none, as
/// for what is seen in the original alone or in a comparison.
std::optional<MeasuredSettings> measuredAt(const Session& session, const QString& metricId,
                                           Cell cell) {
    if (metricId == u"error") {
        const CellReport* report = session.cellReport(cell);
        return report == nullptr ? std::nullopt : std::optional(asMeasured(report->settings));
    }
    const FidelityMetric* metric = session.measuredMetric(metricId);
    if (metric == nullptr || !metric->settings.contains(cell)) {
        return std::nullopt;
    }
    return metric->settings.at(cell);
}

} // namespace

std::optional<PlannedValue> plannedValue(const Session& session, const QString& metricId, Cell cell,
                                         const CellSettings& settings) {
    if (metricId == u"proxy") {
        if (auto error = errorOf(session, cell, settings)) {
            return error;
        }
    }
    return measuredValue(session, metricId, cell, settings);
}

std::optional<PlannedValue> measuredValue(const Session& session, const QString& metricId,
                                          Cell cell, const CellSettings& settings) {
    const MetricLayer* metric = session.metric(metricId);
    if (metric == nullptr) {
        return std::nullopt;
    }
    const auto found = metric->values.find(cell);
    if (found == metric->values.end()) {
        return std::nullopt;
    }
    const std::optional<MeasuredSettings> at = measuredAt(session, metricId, cell);
    if (!at || *at == asMeasured(settings)) {
        return PlannedValue{found->second, metric->kind, ValueStanding::Measured};
    }
    const QString there =
        PlannedValues::tr("%1 at %2/%3")
            .arg(metric->kind, QLocale::c().toString(at->bits, 'g', 3), QString::number(at->rank));
    return PlannedValue{
        found->second,
        at->codec == settings.codec
            ? there
            : PlannedValues::tr("%1 with %2").arg(there, QString::fromStdString(at->codec)),
        ValueStanding::Elsewhere};
}

} // namespace caldera::studio
