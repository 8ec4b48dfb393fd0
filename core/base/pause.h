// Work and waiting that end early when they are called off.
#pragma once

#include <chrono>
#include <stop_token>

namespace caldera {

/// Returns after the span, or once a stop is requested.
void pauseFor(std::chrono::milliseconds span, const std::stop_token& stop);

/// Throws Cancelled when a stop was requested.
void checkCancelled(const std::stop_token& stop);

} // namespace caldera
