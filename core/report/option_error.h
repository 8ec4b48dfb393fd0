// The error of a cell at any bits and rank, from the few settings that were measured.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

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

/// The measured settings of one cell, and what lies between them: the logarithm of the relative
/// error is linear in either bits or rank. Never grows with bits or rank: where measurements do,
/// the smaller error counts, since more bits can do what fewer did, and the figure is no measured
/// one. Where less rank was measured at other bits only, those say what it costs. Outside: more
/// rank than measured gains nothing, fewer bits rise to an error of 1 at 0 bits, and each bit more
/// halves the error.
class ErrorTable {
public:
    /// `options` are sorted as in FidelityMetric. Throws Error("report.options") when there are
    /// none.
    explicit ErrorTable(std::span<const FidelityOption> options);

    OptionError at(double bits, int rank) const;

private:
    struct Setting {
        int rank = 0;
        double logError = 0; ///< ln, of this rank or less
        bool isMeasured = true;
    };
    /// Settings of equal bits.
    struct Line {
        double bits = 0;
        size_t first = 0; ///< of settings_
        size_t count = 0;
    };
    struct Point {
        double bits = 0;
        double logError = 0;
        bool isMeasured = true; ///< rather than worked out from others, or lowered to them
    };
    Point atRank(const Line& line, int rank) const;
    Point atRankBesideOthers(const Line& line, int rank) const;
    template <typename PointOf>
    Point atBits(double bits, PointOf pointOf) const;

    std::vector<Setting> settings_; ///< by bits, then rank
    std::vector<Line> lines_;
    int leastRank_ = std::numeric_limits<int>::max();
    int mostRank_ = 0;
};

} // namespace caldera
