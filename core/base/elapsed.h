// How long something took.
#pragma once

#include <chrono>

namespace caldera {

/// Of wall time, whatever is done to the system's clock meanwhile.
inline double secondsSince(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace caldera
