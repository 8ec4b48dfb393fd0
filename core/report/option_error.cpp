#include "core/report/option_error.h"

#include <algorithm>
#include <cmath>
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
    bool isMeasured = true;
};

double onLine(const Point& a, const Point& b, double place) {
    return a.logError + (b.logError - a.logError) * (place - a.place) / (b.place - a.place);
}

/// Along one line of bits: falls with rank, flat behind the last rank.
Point atRank(std::span<const FidelityOption> line, int rank) {
    std::vector<Point> points;
    for (const FidelityOption& option : line) {
        const double logError = std::log(std::max(option.relativeError, kSmallestError));
        const double least = points.empty() ? logError : points.back().logError;
        points.push_back({static_cast<double>(option.rank), std::min(logError, least)});
    }
    const auto place = static_cast<double>(rank);
    const auto next = std::find_if(points.begin(), points.end(),
                                   [&](const Point& point) { return point.place >= place; });
    if (next == points.end()) {
        return {line.front().bits, points.back().logError, false};
    }
    if (next->place == place) {
        return {line.front().bits, next->logError, true};
    }
    if (next != points.begin()) {
        return {line.front().bits, onLine(*(next - 1), *next, place), false};
    }
    const double backwards = points.size() > 1 ? onLine(points[0], points[1], place) : 0;
    return {line.front().bits, points.size() > 1 ? backwards : points[0].logError, false};
}

/// One point for each number of bits, falling.
std::vector<Point> atRankForEachBits(std::span<const FidelityOption> options, int rank) {
    std::vector<Point> points;
    while (!options.empty()) {
        const double bits = options.front().bits;
        const auto end = std::find_if(options.begin(), options.end(),
                                      [&](const auto& option) { return option.bits != bits; });
        const auto count = static_cast<size_t>(end - options.begin());
        Point point = atRank(options.first(count), rank);
        if (!points.empty()) {
            point.logError = std::min(point.logError, points.back().logError);
        }
        points.push_back(point);
        options = options.subspan(count);
    }
    return points;
}

double below(const Point& first, double bits) {
    const double whole = std::max(0.0, first.logError); // an error of 1, with no bits at all
    return onLine({0, whole}, first, bits);
}

double above(const Point& last, double bits) {
    return last.logError + kIdealSlope * (bits - last.place);
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
    const auto outcome = [&](double logError, bool isMeasured) {
        const ErrorOrigin between =
            isInside ? ErrorOrigin::Interpolated : ErrorOrigin::Extrapolated;
        return OptionError{std::exp(logError), isMeasured ? ErrorOrigin::Measured : between};
    };
    const auto next = std::find_if(points.begin(), points.end(),
                                   [&](const Point& point) { return point.place >= bits; });
    if (next == points.end()) {
        return outcome(above(points.back(), bits), false);
    }
    if (next->place == bits) {
        return outcome(next->logError, next->isMeasured);
    }
    if (next == points.begin()) {
        return outcome(below(*next, bits), false);
    }
    return outcome(onLine(*(next - 1), *next, bits), false);
}

} // namespace caldera
