#include "widgets/cell_panel/cell_details.h"

#include <QCoreApplication>

#include "core/report/value_interval.h"
#include "widgets/models/difference_model.h"
#include "widgets/models/planned_value.h"
#include "widgets/models/session.h"
#include "widgets/support/number_text.h"

namespace caldera::studio {

namespace {

struct CellNotes {
    Q_DECLARE_TR_FUNCTIONS(CellNotes)
};

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

QString rangeText(const Interval& interval, double unit = 1) {
    return CellNotes::tr("95 %: %1 to %2")
        .arg(figureText(interval.low * unit), figureText(interval.high * unit));
}

QStringList notesOn(const FidelityMetric& metric, Cell cell) {
    constexpr double kPercent = 100;
    QStringList notes;
    if (const auto interval = valueInterval(metric, cell)) {
        notes += rangeText(*interval);
    }
    const auto recovery = detailOf(metric, kRecovery, cell);
    const auto recovered = intervalOf(metric, kRecovery, cell);
    if (recovery && recovered) {
        notes += CellNotes::tr("%1 % of tokens recovered (%2)")
                     .arg(figureText(*recovery * kPercent), rangeText(*recovered, kPercent));
    }
    const auto margin = detailOf(metric, kMargin, cell);
    const auto margins = intervalOf(metric, kMargin, cell);
    if (margin && margins) {
        notes += CellNotes::tr("margin %1 (%2)").arg(figureText(*margin), rangeText(*margins));
    }
    return notes;
}

void addValue(CellDetails& details, const Session& session, const QString& metricId, bool planned) {
    const MetricLayer* metric = session.metric(metricId);
    if (metric == nullptr) {
        return;
    }
    details.metric = metric->title;
    details.metricIsError = metricId == u"proxy" || metricId == u"error" || metricId == u"live";
    details.valueKind = metric->kind;
    MetricValues values(session, metricId);
    if (const auto value = planned ? values.planned(details.cell, details.settings)
                                   : values.measured(details.cell, details.settings)) {
        details.value = value->value;
        details.valueKind = value->kind;
    }
    const FidelityMetric* measured = session.measuredMetric(metricId);
    if (measured != nullptr && details.value) {
        details.valueNotes = notesOn(*measured, details.cell);
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
        } else if (!sameCodes(plan.settingsOf(cell), details.settings)) {
            details.planned = codesText(plan.settingsOf(cell), details.settings.codec);
        }
    }
    addValue(details, session, metricId, planned && known);
    return details;
}

} // namespace caldera::studio
