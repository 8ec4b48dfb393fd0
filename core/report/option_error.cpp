#include "core/report/option_error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "core/base/error.h"

namespace caldera {

namespace {

/// Below every error that codes leave; its logarithm is finite.
constexpr double kSmallestError = 1e-9;
/// A bit more halves the error of an ideal code of Gaussian numbers.
const double kIdealSlope = -std::log(2.0);

double onLine(double fromPlace, double from, double toPlace, double to, double place) {
    return from + (to - from) * (place - fromPlace) / (toPlace - fromPlace);
}

} // namespace

ErrorTable::ErrorTable(std::span<const FidelityOption> options) {
    if (options.empty()) {
        throw Error("report.options",
                    "No setting of this cell was measured. Measure the model with `caldera "
                    "fidelity --metric proxy`.");
    }
    double least = 0; // of the line so far
    for (const FidelityOption& option : options) {
        const bool begins = lines_.empty() || lines_.back().bits != option.bits;
        if (begins) {
            lines_.push_back({option.bits, settings_.size(), 0});
            least = std::numeric_limits<double>::infinity();
        }
        ++lines_.back().count;
        const bool isMeasured = option.relativeError <= least;
        least = std::min(least, option.relativeError);
        settings_.push_back({option.rank, std::log(std::max(least, kSmallestError)), isMeasured});
        leastRank_ = std::min(leastRank_, option.rank);
        mostRank_ = std::max(mostRank_, option.rank);
    }
}

/// Falls with rank, flat behind the last rank.
ErrorTable::Point ErrorTable::atRank(const Line& line, int rank) const {
    const std::span<const Setting> settings = std::span(settings_).subspan(line.first, line.count);
    size_t at = 0;
    while (at + 1 < settings.size() && settings[at].rank < rank) {
        ++at;
    }
    const Setting& next = settings[at];
    if (next.rank <= rank) {
        return {line.bits, next.logError, next.rank == rank && next.isMeasured};
    }
    if (settings.size() == 1) {
        return {line.bits, next.logError, false};
    }
    // Before the first, the line of the first two goes on.
    const Setting& a = settings[at > 0 ? at - 1 : 0];
    const Setting& b = settings[at > 0 ? at : 1];
    return {line.bits, onLine(a.rank, a.logError, b.rank, b.logError, rank), false};
}

/// Of points that `pointOf` gives of each line, or not: linear in bits, to an error of 1 at 0 bits,
/// and by half with each bit behind the last.
template <typename PointOf>
ErrorTable::Point ErrorTable::atBits(double bits, PointOf pointOf) const {
    std::optional<Point> before;
    for (const Line& line : lines_) {
        const std::optional<Point> point = pointOf(line);
        if (point && point->bits == bits) {
            return *point;
        }
        if (point && point->bits > bits) {
            const Point from = before.value_or(Point{0, std::max(0.0, point->logError), false});
            return {bits, onLine(from.bits, from.logError, point->bits, point->logError, bits),
                    false};
        }
        before = point ? point : before;
    }
    return {bits, before->logError + kIdealSlope * (bits - before->bits), false};
}

/// A line that begins with more rank knows only the least that an error can be; those that begin
/// with the least rank of all say what it is.
ErrorTable::Point ErrorTable::atRankBesideOthers(const Line& line, int rank) const {
    Point point = atRank(line, rank);
    if (rank < settings_[line.first].rank) {
        const Point others = atBits(line.bits, [&](const Line& other) {
            return settings_[other.first].rank == leastRank_ ? std::optional(atRank(other, rank))
                                                             : std::nullopt;
        });
        point.logError = std::max(point.logError, others.logError);
    }
    return point;
}

OptionError ErrorTable::at(double bits, int rank) const {
    double least = std::numeric_limits<double>::infinity(); // more bits do what fewer did
    const Point point = atBits(bits, [&](const Line& line) {
        Point here = atRankBesideOthers(line, rank);
        if (here.logError > least) {
            here = {here.bits, least, false};
        }
        least = here.logError;
        return std::optional(here);
    });
    const bool isInside = bits >= lines_.front().bits && bits <= lines_.back().bits &&
                          rank >= leastRank_ && rank <= mostRank_;
    const ErrorOrigin between = isInside ? ErrorOrigin::Interpolated : ErrorOrigin::Extrapolated;
    return {std::exp(point.logError), point.isMeasured ? ErrorOrigin::Measured : between};
}

} // namespace caldera
