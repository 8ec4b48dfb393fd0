// Which ranks factors may have.
#pragma once

#include <algorithm>

#include "core/model/module.h"

namespace caldera {

/// Ranks are multiples of this.
inline constexpr int kRankStep = 16;
/// No plan and no report has more.
inline constexpr int kMostRank = 65536;

/// The multiple that is nearest to `rank`, the larger one half-way.
constexpr int nearestRank(int rank) {
    return (rank + kRankStep / 2) / kRankStep * kRankStep;
}

/// The largest rank that factors of a matrix may have.
constexpr int largestRank(MatrixShape shape) {
    return static_cast<int>(std::min(shape.rows, shape.columns)) / kRankStep * kRankStep;
}

} // namespace caldera
