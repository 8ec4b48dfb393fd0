#include "kernels/common/integer_product_reference.h"

namespace caldera::kernels::reference {

void addIntegerProduct(std::span<const float> weights, int64_t rows, float scale,
                       const QuantizedBatch& x, const OutputVectors& y) {
    const auto columns = static_cast<int64_t>(weights.size()) / rows;
    for (int64_t t = 0; t < x.count; ++t) {
        const QuantizedBatch one = x.from(t);
        for (int64_t row = 0; row < rows; ++row) {
            double sum = 0;
            for (int64_t c = 0; c < columns; ++c) {
                sum += static_cast<double>(weights[row * columns + c]) * one.value(c);
            }
            y.values[t * y.stride + row] += static_cast<float>(scale * sum);
        }
    }
}

} // namespace caldera::kernels::reference
