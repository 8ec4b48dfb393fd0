// Files that a run begins with, read and written away from the GUI thread.
#pragma once

#include <QByteArray>
#include <QString>

#include <optional>

#include "core/plan/plan.h"
#include "widgets/plan_view/measure_form.h"
#include "widgets/support/failure.h"

namespace caldera::studio {

/// Writes the plan into the state folder under a name of its own. Throws Error.
QString writePlanFile(const Plan& plan);

/// Texts of a measurement, to be sent to another machine.
struct SentTexts {
    QByteArray calibration;
    QByteArray text;
    std::optional<Failure> failure;
};

/// Never throws.
SentTexts readTexts(const MeasureSettings& settings);

} // namespace caldera::studio
