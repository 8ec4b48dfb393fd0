// The one-page report of what is open.
#pragma once

#include "core/summary/summary.h"

namespace caldera::studio {

class Session;

/// From values that are in memory already; curves of cells are left out. Empty where nothing was
/// measured.
Summary summaryOf(const Session& session);

} // namespace caldera::studio
