// Reports made of parts.
#pragma once

#include "core/report/report.h"

namespace caldera {

/// Adds what another part of the same measurement has: cells, values, options, tables, and numbers
/// of layers where they are no NaN. Facts and numbers of the whole stay those that came first.
void addPart(Report& whole, const Report& part);

/// What an earlier report has beside a later one's: metrics (each with the settings it was measured
/// at) and evaluations of other names, cells that are not in it, facts of the run. Both are of the
/// same layers. The run stays the earlier one's where the later report has evaluations alone, which
/// carry their own command.
void keepFrom(const Report& earlier, Report& later);
/// The evaluations alone.
void keepEvaluations(const Report& earlier, Report& later);

} // namespace caldera
