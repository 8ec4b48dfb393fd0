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

/// Of files and weights, in thousands as disks are sold: "1.50 GB", "312 kB", "17 bytes".
std::string byteText(uint64_t bytes);

/// Of a machine's or GPU's memory, in powers of 1024 as memory is built: "24.0 GiB", "312 MiB".
std::string memoryText(uint64_t bytes);

/// "1 h 05 min", "3 min 20 s", "4.2 s".
std::string durationText(double seconds);

} // namespace caldera
