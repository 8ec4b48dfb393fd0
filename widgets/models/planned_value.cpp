#include "widgets/models/planned_value.h"

#include <QCoreApplication>
#include <QLocale>

#include "core/report/find_metric.h"
#include "core/report/option_error.h"
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

const std::vector<FidelityOption>* optionsOf(const Report& report, Cell cell) {
    const FidelityMetric* proxy = findMetric(report, "proxy");
    if (proxy == nullptr) {
        return nullptr;
    }
    const auto found = proxy->options.find(cell);
    return found == proxy->options.end() || found->second.empty() ? nullptr : &found->second;
}

/// The error of the settings; another codec family is judged by the one that was measured.
std::optional<PlannedValue> errorOf(const Session& session, Cell cell,
                                    const CellSettings& settings) {
    if (settings.skip) {
        return PlannedValue{0, PlannedValues::tr("exact: it stays at 16 bits")};
    }
    const auto* options = session.fidelity() ? optionsOf(*session.fidelity(), cell) : nullptr;
    if (options == nullptr) {
        return std::nullopt;
    }
    const OptionError error = interpolatedError(*options, settings.bits, settings.rank);
    const CellReport* measured = session.fidelityCell(cell);
    const bool sameCodec = measured != nullptr && measured->settings.codec == settings.codec;
    return PlannedValue{error.relativeError,
                        sameCodec ? kindOf(error.origin)
                                  : PlannedValues::tr("estimated from another codec")};
}

/// Settings that the metric's value of the cell was measured at; nullptr when there are none, as
/// for what is seen in the original alone or in a comparison.
const CellSettings* measuredAt(const Session& session, const QString& metricId, Cell cell) {
    if (metricId == u"error") {
        const CellReport* report = session.cellReport(cell);
        return report == nullptr ? nullptr : &report->settings;
    }
    const bool hasSettings = metricId == u"kl" || metricId == u"sipit" || metricId == u"proxy";
    const CellReport* report = hasSettings ? session.fidelityCell(cell) : nullptr;
    return report == nullptr ? nullptr : &report->settings;
}

} // namespace

std::optional<PlannedValue> plannedValue(const Session& session, const QString& metricId, Cell cell,
                                         const CellSettings& settings) {
    if (metricId == u"proxy") {
        if (auto error = errorOf(session, cell, settings)) {
            return error;
        }
    }
    const MetricLayer* metric = session.metric(metricId);
    if (metric == nullptr) {
        return std::nullopt;
    }
    const auto found = metric->values.find(cell);
    if (found == metric->values.end()) {
        return std::nullopt;
    }
    const CellSettings* at = measuredAt(session, metricId, cell);
    if (at == nullptr || (at->bits == settings.bits && at->rank == settings.rank &&
                          at->skip == settings.skip && at->codec == settings.codec)) {
        return PlannedValue{found->second, metric->kind};
    }
    const QString there =
        PlannedValues::tr("%1 at %2/%3")
            .arg(metric->kind, QLocale::c().toString(at->bits, 'g', 3), QString::number(at->rank));
    return PlannedValue{
        found->second,
        at->codec == settings.codec
            ? there
            : PlannedValues::tr("%1 with %2").arg(there, QString::fromStdString(at->codec))};
}

} // namespace caldera::studio
