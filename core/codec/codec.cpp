#include "core/codec/codec.h"

#include <cmath>

namespace caldera {

int64_t Codec::codeBytes(MatrixShape shape) const {
    const int64_t rows = padTo(shape.rows, kRowGroup);
    const int64_t columns = padTo(shape.columns, blockColumns());
    return std::llround(static_cast<double>(rows * columns) * bitsPerWeight() / 8);
}

} // namespace caldera
