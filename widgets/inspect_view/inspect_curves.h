// Curves of the cells that Inspect looks at.
#pragma once

#include <QList>

#include "widgets/inspect_view/inspect_focus.h"
#include "widgets/models/open_facts.h"
#include "widgets/support/plot.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

enum class Spectrum {
    Weight,  ///< of W
    Hessian, ///< of W in the metric of its inputs
    Residual ///< of W - Q - L R
};
inline constexpr int kMostSpectrumPoints = 128; ///< of a curve

const std::vector<float>& spectrumOf(const CellReport& cell, Spectrum spectrum);
double tailEnergyOf(const CellReport& cell, Spectrum spectrum);
QString spectrumTitle(Spectrum spectrum);

/// At most `most` of the places 0 .. count - 1, dense at first and ever wider apart, the first and
/// the last among them: what a curve over a logarithmic axis needs.
std::vector<qsizetype> logSpaced(qsizetype count, int most);

/// Relative error after every step, one curve a cell.
QList<Curve> historyCurves(const InspectFocus& focus);
/// One kind of singular values of all overlaid cells.
QList<Curve> spectrumCurves(const InspectFocus& focus, Spectrum spectrum);
/// All three kinds of the focused cell.
QList<Curve> spectraOfCell(const InspectFocus& focus);
/// The values by number, from 0.
Curve valuesCurve(const QString& name, const std::vector<float>& values, Token tone);
/// One curve per module: the metric over the layers, in the category colours.
QList<Curve> depthCurves(const MetricLayer& metric);
/// How far hidden states are from the original's after every layer, for each evaluation that
/// measured it.
QList<Curve> hiddenErrorCurves(const std::vector<EvaluationRecord>& evaluations);

} // namespace caldera::studio
