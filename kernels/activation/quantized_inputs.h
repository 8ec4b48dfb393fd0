// Vectors rounded to integers, as products with packed weights take them.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/activation/activation.h"

namespace caldera::kernels {

/// Grown on demand and used again and again.
class QuantizedInputs {
public:
    /// Makes room for `count` vectors of `size` values; bits: 8 or 16.
    void resize(int64_t count, int64_t size, int bits);
    /// Vector t becomes x [size]. Different vectors may be set at once.
    void set(int64_t t, const float* x);
    QuantizedBatch view() const;

private:
    int64_t count_ = 0;
    int64_t size_ = 0;
    int64_t blocks_ = 0;
    bool hasLow_ = false;
    std::vector<int8_t> high_;
    std::vector<int8_t> low_;
    std::vector<float> scale_;
    std::vector<int32_t> sum_;
};

} // namespace caldera::kernels
