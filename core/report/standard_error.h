// How sure the values of a metric are.
#pragma once

#include <algorithm>

namespace caldera {

/// Of a metric's details: one standard error of a cell's value, a mean over tokens.
inline constexpr const char* kStandardError = "standard_error";

/// Standard errors on either side of a mean that hold 95 % of a normal distribution.
inline constexpr double kStandardErrors95 = 1.96;

struct Interval {
    double low = 0;
    double high = 0;
};

/// 95 % of a mean that cannot be below 0.
inline Interval interval95(double mean, double standardError) {
    const double half = kStandardErrors95 * standardError;
    return {std::max(0.0, mean - half), mean + half};
}

} // namespace caldera
