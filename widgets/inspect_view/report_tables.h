// Turns what a report says into facts for people, and into the depth chart's curves.
#pragma once

#include <QList>

#include <vector>

#include "core/report/report.h"
#include "widgets/models/facts_model.h"
#include "widgets/models/open_facts.h"
#include "widgets/support/plot.h"

namespace caldera::studio {

/// Model, command, device, date and totals of a report.
QList<Fact> runFacts(const Report& report);
/// Perplexity, KL divergence and agreement of every evaluation, the latest first.
QList<Fact> evaluationFacts(const std::vector<EvaluationRecord>& evaluations);
/// One curve per module: the metric over the layers, in the category colours.
QList<Curve> depthCurves(const MetricLayer& metric);

} // namespace caldera::studio
