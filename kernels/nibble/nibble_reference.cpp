#include <cmath>

#include "kernels/nibble/nibble.h"

namespace caldera::kernels::reference {

namespace {

double halfValue(int bits) {
    const int exponent = (bits >> 10) & 0x1F;
    const int mantissa = bits & 0x3FF;
    const double magnitude =
        exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

double valueAt(const NibbleRows& w, int64_t row, int64_t column) {
    const int64_t block = row * w.blocks() + column / kNibbleBlock;
    const int64_t place = column % kNibbleBlock;
    const int byte = w.codes[block * kNibbleBlockBytes + place / 2];
    const int number = (byte >> (place % 2 * 4)) & 0xF;
    return halfValue(w.scale[block]) * (number - 8);
}

} // namespace

void multiply(const NibbleRows& w, const QuantizedBatch& x, const OutputVectors& y) {
    for (int64_t t = 0; t < x.count; ++t) {
        for (int64_t r = 0; r < w.rows; ++r) {
            double sum = 0;
            for (int64_t c = 0; c < w.columns; ++c) {
                sum += valueAt(w, r, c) * x.from(t).value(c);
            }
            y.values[t * y.stride + r] = static_cast<float>(sum);
        }
    }
}

} // namespace caldera::kernels::reference
