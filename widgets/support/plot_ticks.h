// Where the axes of plots have their ticks, and what stands beside them.
#pragma once

#include <QSharedPointer>

#include "widgets/support/qcustomplot.h"

namespace caldera::studio {

/// Ticks at even steps, all with the decimals that the step needs: "0.150", "0.175", "0.200".
QSharedPointer<QCPAxisTicker> evenTicks();
/// Ticks at whole numbers only.
QSharedPointer<QCPAxisTicker> wholeTicks();
/// Ticks of a logarithmic axis: 1, 2 and 5 of every decade, or whole decades where there are many.
QSharedPointer<QCPAxisTicker> decadeTicks();

} // namespace caldera::studio
