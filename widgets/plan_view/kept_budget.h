// The budget that a person chose for a model, kept beyond the studio's end.
#pragma once

#include <QString>

#include <optional>

#include "core/allocation/target.h"

namespace caldera::studio {

/// Of the model with this fingerprint; nothing where none was chosen.
std::optional<AllocationTarget> keptBudget(const QString& fingerprint);
void keepBudget(const QString& fingerprint, const AllocationTarget& target);

} // namespace caldera::studio
