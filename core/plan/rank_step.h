// Which ranks factors may have.
#pragma once

namespace caldera {

/// Ranks are multiples of this.
inline constexpr int kRankStep = 16;

/// The multiple that is nearest to `rank`, the larger one half-way.
constexpr int nearestRank(int rank) {
    return (rank + kRankStep / 2) / kRankStep * kRankStep;
}

} // namespace caldera
