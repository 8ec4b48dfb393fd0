// How sure the values of a metric are.
#pragma once

namespace caldera {

/// Of a metric's details: one standard error of a cell's value, a mean over tokens.
inline constexpr const char* kStandardError = "standard_error";

} // namespace caldera
