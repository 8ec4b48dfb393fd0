// A finished cell whose error is not what the plan's measurements promised.
#pragma once

#include <QList>
#include <QString>

#include "widgets/jobs/job_history.h"

namespace caldera::studio {

/// Better or worse than expected; AsExpected also where nothing was.
enum class Surprise { AsExpected, Better, Worse };

Surprise surpriseOf(const JobCell& cell);
/// "worse than expected: 0.12, predicted 0.081 (0.073 to 0.084, measured)"; empty for no surprise.
QString surpriseText(const JobCell& cell);
/// The cells that surprise, the farthest from their range first.
QList<JobCell> surprisesOf(const JobHistory& history);

} // namespace caldera::studio
