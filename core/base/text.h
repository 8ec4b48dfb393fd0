// Small text helpers that messages need.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace caldera {

/// Nearest of `known` to `word` by edit distance, for "did you mean"; empty when none is near.
std::string nearestWord(std::string_view word, std::span<const std::string> known);

/// Shortest text that reads back as the same double, always with '.' (std::to_chars).
std::string numberText(double value);

/// "1.5 GiB", "312 KiB", "17 bytes".
std::string byteText(uint64_t bytes);

/// "1 h 05 min", "3 min 20 s", "4.2 s".
std::string durationText(double seconds);

} // namespace caldera
