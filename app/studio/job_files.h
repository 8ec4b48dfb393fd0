// Files that a run begins with, read and written away from the GUI thread.
#pragma once

#include <QByteArray>
#include <QMap>
#include <QString>

#include <optional>

#include "core/plan/plan.h"
#include "widgets/plan_view/evaluate_form.h"
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

/// Text and questions of an evaluation, to be sent to another machine.
struct SentTasks {
    EvaluateSettings there;          ///< names them as they lie there
    QMap<QString, QByteArray> files; ///< by name, in the job's folder
    std::optional<Failure> failure;
};

/// Never throws.
SentTasks readEvaluated(const EvaluateSettings& settings);

} // namespace caldera::studio
