// Colours for data: ramps given by stops, and the ink that stays readable on top of them.
#pragma once

#include <QColor>

#include <span>

namespace caldera::studio {

/// Colour at `position` (0 .. 1, clamped) between evenly spaced stops, mixed in linear light.
QColor rampColor(std::span<const QRgb> stops, double position);

/// Relative luminance of WCAG 2, 0 .. 1.
double luminance(const QColor& color);
/// Contrast ratio of WCAG 2, 1 .. 21.
double contrast(const QColor& first, const QColor& second);
/// Black or white, whichever reads better on `background` (always at least 4.5:1).
QColor inkOn(const QColor& background);
/// `over` at `opacity` (0 .. 1) on `under`, as an opaque colour.
QColor mix(const QColor& under, const QColor& over, double opacity);

} // namespace caldera::studio
