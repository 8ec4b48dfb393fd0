// Sizes of packed codes: rows of bits, each row padded to a whole byte.
#pragma once

#include <cmath>
#include <cstdint>

namespace caldera {

inline constexpr int64_t kCodecColumns = 8; ///< Q's columns pad to this, the block of E8P

inline int64_t codeRowBytes(int64_t columns, double bits) {
    return static_cast<int64_t>(std::ceil(static_cast<double>(columns) * bits / 8));
}

} // namespace caldera
