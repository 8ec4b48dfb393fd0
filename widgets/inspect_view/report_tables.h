// Turns what a report says into facts for people.
#pragma once

#include <QList>

#include <vector>

#include "core/report/report.h"
#include "widgets/models/facts_model.h"

namespace caldera::studio {

/// Model, command, device, date and totals of a report.
QList<Fact> runFacts(const Report& report);
/// Perplexity, KL divergence and agreement of every evaluation, the latest first.
QList<Fact> evaluationFacts(const std::vector<EvaluationRecord>& evaluations);

} // namespace caldera::studio
