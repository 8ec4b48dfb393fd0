// The error of a cell at any bits and rank, from the few settings that were measured.
#pragma once

#include <span>

#include "core/report/report.h"

namespace caldera {

/// How a figure came about.
enum class ErrorOrigin {
    Measured,
    Interpolated, ///< between measured settings
    Extrapolated, ///< outside of them
};

struct OptionError {
    double relativeError = 0;
    ErrorOrigin origin = ErrorOrigin::Measured;
};

/// Relative error at `bits` and `rank`, the logarithm linear in either between measured settings.
/// Never grows with bits or rank: where measurements do, the smaller error counts, since more
/// bits can do what fewer did, and the figure is no measured one. Where less rank was measured at
/// other bits only, those say what it costs. Outside: more rank than measured gains nothing, fewer
/// bits rise to an error of 1 at 0 bits, and each bit more halves the error. `options` are sorted
/// as in FidelityMetric. Throws Error("report.options") when there are none.
OptionError interpolatedError(std::span<const FidelityOption> options, double bits, int rank);

} // namespace caldera
