// A curve of a plot, drawn fast where it has few points.
#pragma once

#include "widgets/support/qcustomplot.h"

namespace caldera::studio {

/// QCPGraph takes four logarithms for a point of two logarithmic axes. Eighty spectra that follow
/// the mouse are to take two.
class CurveGraph : public QCPGraph {
    Q_OBJECT
public:
    using QCPGraph::QCPGraph;

protected:
    void draw(QCPPainter* painter) override;
};

} // namespace caldera::studio
