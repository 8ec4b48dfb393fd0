// The block size that a transform's name means for one side of a matrix.
#pragma once

#include <cstdint>
#include <string>

namespace caldera {

/// "hadamard-128" -> the largest power of two up to 128 that divides `size`; "none" -> 1 (no
/// rotation). Throws Error("codec.transform") naming what came.
int64_t transformBlock(const std::string& transform, int64_t size);

} // namespace caldera
