// Waiting that ends early when it is called off.
#pragma once

#include <chrono>
#include <stop_token>

namespace caldera {

/// Returns after the span, or once a stop is requested.
void pauseFor(std::chrono::milliseconds span, const std::stop_token& stop);

} // namespace caldera
