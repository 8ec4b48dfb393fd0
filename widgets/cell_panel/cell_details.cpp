#include "widgets/cell_panel/cell_details.h"

#include "widgets/models/planned_value.h"
#include "widgets/models/session.h"

namespace caldera::studio {

namespace {

QVector<double> toVector(const std::vector<float>& values) {
    return QVector<double>(values.begin(), values.end());
}

void addReport(CellDetails& details, const CellReport& report) {
    for (const HistoryEntry& entry : report.history) {
        details.history.append({QString::fromStdString(entry.step), entry.relativeError});
    }
    details.weightSpectrum = toVector(report.singularValues);
    details.hessianSpectrum = toVector(report.hessianSingularValues);
    details.residualSpectrum = toVector(report.residualSingularValues);
    details.dampingUsed = report.dampingUsed;
}

void addValue(CellDetails& details, const Session& session, const QString& metricId, bool planned) {
    const MetricLayer* metric = session.metric(metricId);
    if (metric == nullptr) {
        return;
    }
    details.metric = metric->title;
    details.metricIsError = metricId == u"proxy" || metricId == u"error" || metricId == u"live";
    details.valueKind = metric->kind;
    if (planned) {
        if (const auto value = plannedValue(session, metricId, details.cell, details.settings)) {
            details.value = value->value;
            details.valueKind = value->kind;
        }
    } else if (const auto found = metric->values.find(details.cell);
               found != metric->values.end()) {
        details.value = found->second;
    }
}

} // namespace

std::optional<CellDetails> detailsOf(Session& session, Cell cell, const QString& metricId,
                                     bool planned) {
    const bool known = session.facts() != nullptr;
    const CellReport* report = planned && session.fidelityCell(cell) != nullptr && !session.report()
                                   ? session.fidelityCell(cell)
                                   : session.cellReport(cell);
    if (!known && report == nullptr) {
        return std::nullopt;
    }
    CellDetails details;
    details.cell = cell;
    if (report != nullptr) {
        details.shape = report->shape;
        details.settings = report->settings;
        details.bytes = report->bytes;
        details.bitsPerWeight = report->bitsPerWeight;
        addReport(details, *report);
    }
    if (known) {
        const PlanDocument& plan = session.plan();
        details.shape = plan.config().shapeOf(cell.module);
        details.largestRank = plan.largestRank(cell.module);
        if (planned || report == nullptr) {
            details.settings = plan.settingsOf(cell);
            details.bytes = cellBytes(details.settings, details.shape);
            details.bitsPerWeight =
                static_cast<double>(details.bytes) * 8 / static_cast<double>(details.shape.size());
        }
    }
    addValue(details, session, metricId, planned && known);
    return details;
}

} // namespace caldera::studio
