// Numbers as people read them: thin spaces between thousands, units, a fixed number of figures.
#pragma once

#include <QString>

#include <cstdint>

namespace caldera::studio {

inline constexpr char16_t kThinSpace = u'\u2009';
inline constexpr char16_t kTimes = u'\u00d7';

/// "151 936" with thin spaces.
QString countText(int64_t value);
/// "72.7 B", "494 M", "135 k".
QString parameterText(int64_t parameters);
/// Of files and weights: "4.92 MB", "19.9 GB" (powers of ten, as disks are sold).
QString sizeText(int64_t bytes);
/// Of a machine's or GPU's memory: "21.3 GiB" (powers of 1024, as memory is built).
QString memoryText(int64_t bytes);
/// Significant figures without an exponent for everyday sizes: "0.0913", "12.4".
QString figureText(double value, int figures = 3);
/// "1 h 05 min", "3 min 20 s", "12 s"; empty when negative (unknown).
QString spanText(double seconds);

} // namespace caldera::studio
