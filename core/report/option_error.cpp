#include "core/report/option_error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/error.h"

namespace caldera {

namespace {

/// Below every error that codes leave; its logarithm is finite.
constexpr double kSmallestError = 1e-9;
/// A bit more halves the error of an ideal code of Gaussian numbers.
const double kIdealSlope = -std::log(2.0);

/// ln(error) at a place on the axis of bits or of rank.
struct Point {
    double place = 0;
    double logError = 0;
    bool isMeasured = true; ///< rather than worked out from others, or lowered to them
};

double onLine(const Point& a, const Point& b, double place) {
    return a.logError + (b.logError - a.logError) * (place - a.place) / (b.place - a.place);
}

/// Along one line of bits: falls with rank, flat behind the last rank.
Point atRank(std::span<const FidelityOption> line, int rank) {
    const auto pointOf = [](const FidelityOption& option, double least) {
        const double error = std::min(option.relativeError, least);
        return Point{static_cast<double>(option.rank), std::log(std::max(error, kSmallestError)),
                     option.relativeError <= least};
    };
    const double bits = line.front().bits;
    const auto place = static_cast<double>(rank);
    double least = std::numeric_limits<double>::infinity(); // before `at`
    size_t at = 0;
    while (at + 1 < line.size() && line[at].rank < rank) {
        least = std::min(least, line[at].relativeError);
        ++at;
    }
    const Point next = pointOf(line[at], least);
    if (next.place == place) {
        return {bits, next.logError, next.isMeasured};
    }
    if (next.place < place) {
        return {bits, next.logError, false}; // flat
    }
    if (at > 0) {
        // What is before it at its lowest, whichever option that was.
        const Point before{static_cast<double>(line[at - 1].rank),
                           std::log(std::max(least, kSmallestError))};
        return {bits, onLine(before, next, place), false};
    }
    const double backwards = line.size() > 1
                                 ? onLine(next, pointOf(line[1], line[0].relativeError), place)
                                 : next.logError;
    return {bits, backwards, false};
}

using Line = std::span<const FidelityOption>;

/// Options of equal bits, by rising bits.
std::vector<Line> linesOf(std::span<const FidelityOption> options) {
    std::vector<Line> lines;
    while (!options.empty()) {
        const double bits = options.front().bits;
        const auto end = std::find_if(options.begin(), options.end(),
                                      [&](const auto& option) { return option.bits != bits; });
        lines.push_back(options.first(static_cast<size_t>(end - options.begin())));
        options = options.subspan(lines.back().size());
    }
    return lines;
}

double below(const Point& first, double bits) {
    const double whole = std::max(0.0, first.logError); // an error of 1, with no bits at all
    return onLine({0, whole}, first, bits);
}

double above(const Point& last, double bits) {
    return last.logError + kIdealSlope * (bits - last.place);
}

/// ln(error) at some bits, of at least one point by rising bits.
double atBits(std::span<const Point> points, double bits) {
    const auto next = std::find_if(points.begin(), points.end(),
                                   [&](const Point& point) { return point.place >= bits; });
    if (next == points.end()) {
        return above(points.back(), bits);
    }
    if (next->place == bits) {
        return next->logError;
    }
    return next == points.begin() ? below(*next, bits) : onLine(*(next - 1), *next, bits);
}

/// At one rank, the points of the lines that begin with the least rank of all.
std::vector<Point> atRankOfWholeLines(const std::vector<Line>& lines, int rank) {
    int least = lines.front().front().rank;
    for (const Line line : lines) {
        least = std::min(least, line.front().rank);
    }
    std::vector<Point> points;
    for (const Line line : lines) {
        if (line.front().rank == least) {
            points.push_back(atRank(line, rank));
        }
    }
    return points;
}

/// One point for each number of bits, falling. A line that begins with more rank knows only the
/// least that an error can be; others say what it is.
std::vector<Point> atRankForEachBits(std::span<const FidelityOption> options, int rank) {
    const std::vector<Line> lines = linesOf(options);
    std::vector<Point> points;
    for (const Line line : lines) {
        Point point = atRank(line, rank);
        if (rank < line.front().rank) {
            const double others = atBits(atRankOfWholeLines(lines, rank), point.place);
            point.logError = std::max(point.logError, others);
        }
        if (!points.empty() && point.logError > points.back().logError) {
            point.logError = points.back().logError;
            point.isMeasured = false;
        }
        points.push_back(point);
    }
    return points;
}

} // namespace

OptionError interpolatedError(std::span<const FidelityOption> options, double bits, int rank) {
    if (options.empty()) {
        throw Error("report.options",
                    "No setting of this cell was measured. Measure the model with `caldera "
                    "fidelity --metric proxy`.");
    }
    const std::vector<Point> points = atRankForEachBits(options, rank);
    const auto ranks =
        std::minmax_element(options.begin(), options.end(),
                            [](const auto& a, const auto& b) { return a.rank < b.rank; });
    const bool isInside = bits >= points.front().place && bits <= points.back().place &&
                          rank >= ranks.first->rank && rank <= ranks.second->rank;
    const auto here = std::find_if(points.begin(), points.end(),
                                   [&](const Point& point) { return point.place == bits; });
    const ErrorOrigin between = isInside ? ErrorOrigin::Interpolated : ErrorOrigin::Extrapolated;
    const bool isMeasured = here != points.end() && here->isMeasured;
    return {std::exp(atBits(points, bits)), isMeasured ? ErrorOrigin::Measured : between};
}

} // namespace caldera
