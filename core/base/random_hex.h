// Names and secrets that nobody can guess.
#pragma once

#include <cstddef>
#include <string>

namespace caldera {

/// So many lower-case hexadecimal digits from the system's random source.
std::string randomHex(size_t digits);

} // namespace caldera
