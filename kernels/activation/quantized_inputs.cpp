#include "kernels/activation/quantized_inputs.h"

#include <cstddef>

namespace caldera::kernels {

namespace {

template <class Value>
void grow(std::vector<Value>& values, int64_t size) {
    if (values.size() < static_cast<size_t>(size)) {
        values.resize(static_cast<size_t>(size));
    }
}

} // namespace

void QuantizedInputs::resize(int64_t count, int64_t size, int bits) {
    count_ = count;
    size_ = size;
    blocks_ = (size + kQuantizedBlock - 1) / kQuantizedBlock;
    hasLow_ = bits > 8;
    grow(high_, count * blocks_ * kQuantizedBlock);
    if (hasLow_) {
        grow(low_, count * blocks_ * kQuantizedBlock);
    }
    grow(scale_, count * blocks_);
    grow(sum_, count * blocks_);
}

void QuantizedInputs::set(int64_t t, const float* x) {
    const int64_t first = t * blocks_ * kQuantizedBlock;
    quantize(x, size_,
             {high_.data() + first, hasLow_ ? low_.data() + first : nullptr,
              scale_.data() + t * blocks_, sum_.data() + t * blocks_, blocks_});
}

QuantizedBatch QuantizedInputs::view() const {
    return {high_.data(), hasLow_ ? low_.data() : nullptr, scale_.data(), sum_.data(), blocks_,
            count_};
}

} // namespace caldera::kernels
