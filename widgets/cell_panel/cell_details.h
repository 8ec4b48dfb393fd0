// Everything the cell panel shows about one cell, gathered from what is open.
#pragma once

#include <QString>
#include <QStringList>
#include <QVector>

#include <optional>

#include "core/model/module.h"
#include "core/plan/plan.h"

namespace caldera::studio {

class Session;

struct ErrorStep {
    QString step; ///< "LR" or "Q"
    double relativeError = 0;
};

struct CellDetails {
    Cell cell;
    MatrixShape shape;
    CellSettings settings;
    QString planned; ///< what the plan has now, where that is something else
    int64_t bytes = 0;
    double bitsPerWeight = 0;
    QString metric;            ///< name of the value
    bool metricIsError = true; ///< relative error, or another measure
    std::optional<double> value;
    QString valueKind;      ///< "measured"
    QStringList valueNotes; ///< how sure it is, and what was measured with it; a line each
    QVector<ErrorStep> history;
    QVector<double> weightSpectrum;   ///< singular values of W
    QVector<double> hessianSpectrum;  ///< of W in the H-metric
    QVector<double> residualSpectrum; ///< of W - Q - LR
    double dampingUsed = 0;           ///< 0 when unknown
    int largestRank = 0;
    QString reason; ///< why the solver chose these settings; empty: it did not
};

/// `metricId` names the metric whose value is shown; `planned` takes settings and sizes from the
/// plan, otherwise from the report of what was done. nullopt when nothing is open.
std::optional<CellDetails> detailsOf(Session& session, Cell cell, const QString& metricId,
                                     bool planned);

} // namespace caldera::studio
