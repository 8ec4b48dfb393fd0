// Numbers in sentences; for this folder.
#pragma once

#include <cstdint>
#include <string>

namespace caldera {

enum class Rounding { Nearest, Up, Down };

/// Three significant digits: "0.0312", "2.5", "1.2e-05". Up and down leave what is read back from
/// the text on that side of the value, also after sums whose last bits differ.
std::string roundedText(double value, Rounding rounding = Rounding::Nearest);

/// Of byteText and memoryText: the least bytes of at least `bytes` that three figures tell.
uint64_t roundedUpInThousands(uint64_t bytes);
uint64_t roundedUpInPowersOf1024(uint64_t bytes);

} // namespace caldera
