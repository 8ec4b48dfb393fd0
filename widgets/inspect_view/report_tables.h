// Turns what a report says into facts for people.
#pragma once

#include <QList>

#include "core/report/report.h"
#include "widgets/models/facts_model.h"

namespace caldera::studio {

/// Model, command, device, date and totals of a report.
QList<Fact> runFacts(const Report& report);

} // namespace caldera::studio
