// Reports made of parts.
#pragma once

#include <filesystem>

#include "core/report/report.h"

namespace caldera {

/// Adds what another part of the same measurement has: cells, values, options, tables, and numbers
/// of layers where they are no NaN. Facts and numbers of the whole stay those that came first.
void addPart(Report& whole, const Report& part);

/// What an earlier report has beside a later one's: metrics (each with the settings it was measured
/// at) and evaluations of other names, cells that are not in it. Both are of the same layers.
void keepFrom(const Report& earlier, Report& later);
/// The evaluations alone.
void keepEvaluations(const Report& earlier, Report& later);
/// The same from a file that tells of the same model or artifact (the fingerprint of the run). A
/// file that is missing, damaged or about another one has none.
void keepEvaluations(const std::filesystem::path& earlier, Report& later);

} // namespace caldera
