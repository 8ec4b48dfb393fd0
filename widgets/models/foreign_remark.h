// What to tell about a plan that another program wrote.
#pragma once

#include <QString>

#include "core/plan/plan.h"

namespace caldera::studio {

/// What it is, what of it means nothing here and what was adapted; empty for a plan of our own.
/// `name` begins the sentence.
QString foreignRemark(const Plan& plan, const QString& name);

} // namespace caldera::studio
