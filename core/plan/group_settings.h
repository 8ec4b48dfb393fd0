// Settings that the cells of an input group share.
#pragma once

#include "core/plan/plan.h"

namespace caldera {

/// The settings of the group's first cell that is not skipped, else of its first: its seed, damping
/// and transform make the basis that the group shares.
CellSettings groupSettings(const Plan& plan, int layer, InputGroup group);

} // namespace caldera
