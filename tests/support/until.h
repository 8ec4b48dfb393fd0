// Waiting for something that another thread brings about.
#pragma once

#include <chrono>
#include <thread>

namespace caldera::test {

/// True as soon as `holds()` is; false when it has not been for ten seconds.
template <class Claim>
bool until(Claim holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::yield();
    }
    return true;
}

} // namespace caldera::test
