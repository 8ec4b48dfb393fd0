// Numbers that fp16 holds.
#pragma once

#include <algorithm>
#include <cmath>

namespace caldera {

inline constexpr float kLargestFp16 = 65504;

/// x, limited to what fp16 holds; NaN is 0.
inline float withinFp16(float x) {
    return std::isnan(x) ? 0 : std::clamp(x, -kLargestFp16, kLargestFp16);
}

} // namespace caldera
