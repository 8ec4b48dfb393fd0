// Codes of Q that the products of steps and prompts read as they are stored: look-ups give whole
// numbers of one step.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/trellis/trellis.h"

namespace caldera::kernels {

struct StepCode {
    std::string_view id; ///< of the codec: "trellis-v4k8m4", "e8p-2"
    int columns = 4;     ///< 16 rows by so many columns lie together
    int groupBytes = 0;  ///< of those
    float step = 0;      ///< value = (number + 1/2) * step
    /// Where numbers are looked up: TrellisCode::table or e8pNumbers().
    std::span<const int8_t> table;
    const TrellisCode* trellis = nullptr; ///< null: e8p-2

    /// Whether the products can read a matrix with so many columns: whole words of four columns.
    bool fits(int64_t matrixColumns) const {
        return matrixColumns % 4 == 0 && matrixColumns % columns == 0;
    }
};

/// The trellis codes in their order, then e8p-2.
std::span<const StepCode> stepCodes();
/// Null when the products have none with the codec's id.
const StepCode* stepCode(std::string_view id);
/// "e8p-2, trellis-v4k6m6, ...", for people.
std::string_view stepCodeIds();

} // namespace caldera::kernels
