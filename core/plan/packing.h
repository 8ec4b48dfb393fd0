// Sizes of packed codes: rows of bits, each row padded to a whole byte.
#pragma once

#include <cmath>
#include <cstdint>

namespace caldera {

inline int64_t codeRowBytes(int64_t columns, double bits) {
    return static_cast<int64_t>(std::ceil(static_cast<double>(columns) * bits / 8));
}

} // namespace caldera
