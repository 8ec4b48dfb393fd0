// Waiting for something that another thread brings about.
#pragma once

#include <chrono>
#include <thread>

namespace caldera::test {

/// True as soon as `holds()` is; false when it has not been for a minute, since machines that run
/// tests may be slow.
template <class Claim>
bool until(Claim holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

} // namespace caldera::test
