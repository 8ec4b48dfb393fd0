// The time of day as files write it.
#pragma once

#include <string>

namespace caldera {

std::string utcNow(); ///< "2026-11-21T22:17:25Z"

} // namespace caldera
