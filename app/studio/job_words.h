// The command lines of runs, as the studio writes and reads them.
#pragma once

#include <QByteArray>
#include <QStringList>

#include "core/plan/plan.h"
#include "widgets/plan_view/evaluate_form.h"
#include "widgets/plan_view/measure_form.h"

namespace caldera::studio {

struct JobSummary;

/// What a measurement is told besides plan and result.
QStringList measuring(const QString& model, const MeasureSettings& settings);
/// What an evaluation is told besides the models and the result.
QStringList evaluating(const EvaluateSettings& settings);
/// The plan as it is sent elsewhere: without the path of a text, which is sent as well.
QByteArray planThere(Plan plan);
/// The option of a run that begins although it does not seem to fit.
QStringList forced(bool forces);
/// Where the result of a job that is done lies.
QString resultOf(const JobSummary& job);

} // namespace caldera::studio
