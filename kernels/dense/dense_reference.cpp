#include "kernels/dense/dense.h"

#include <bit>
#include <cmath>

namespace caldera::kernels::reference {

namespace {

float valueOf(float value) {
    return value;
}
float valueOf(uint16_t bf16) {
    return std::bit_cast<float>(static_cast<uint32_t>(bf16) << 16);
}
float valueOf(int8_t value) {
    return static_cast<float>(value);
}

template <class Value>
void multiplyRows(const RowBlock<Value>& w, const InputVectors& x, const OutputVectors& y) {
    for (int64_t t = 0; t < x.count; ++t) {
        for (int64_t r = 0; r < w.rows; ++r) {
            double sum = 0;
            for (int64_t c = 0; c < w.columns; ++c) {
                sum += static_cast<double>(valueOf(w.values[r * w.stride + c])) *
                       x.values[t * x.stride + c];
            }
            y.values[t * y.stride + r] = static_cast<float>(sum);
        }
    }
}

} // namespace

void multiply(const RowBlock<float>& w, const InputVectors& x, const OutputVectors& y) {
    multiplyRows(w, x, y);
}

void multiply(const RowBlock<uint16_t>& w, const InputVectors& x, const OutputVectors& y) {
    multiplyRows(w, x, y);
}

void multiply(const RowBlock<int8_t>& w, const InputVectors& x, const OutputVectors& y) {
    multiplyRows(w, x, y);
}

void addWeightedRows(const RowBlock<float>& rows, const float* weights, float* sum) {
    for (int64_t c = 0; c < rows.columns; ++c) {
        double total = sum[c];
        for (int64_t r = 0; r < rows.rows; ++r) {
            total += static_cast<double>(weights[r]) * rows.values[r * rows.stride + c];
        }
        sum[c] = static_cast<float>(total);
    }
}

float expAndSum(float* x, int64_t count, float max) {
    double sum = 0;
    for (int64_t i = 0; i < count; ++i) {
        x[i] = std::exp(x[i] - max);
        sum += x[i];
    }
    return static_cast<float>(sum);
}

void swiGlu(float* gate, const float* up, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        gate[i] = gate[i] / (1.0F + std::exp(-gate[i])) * up[i];
    }
}

void rmsNorm(const float* x, const float* weight, int64_t count, float epsilon, float* out) {
    double squares = 0;
    for (int64_t i = 0; i < count; ++i) {
        squares += static_cast<double>(x[i]) * x[i];
    }
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(count) + epsilon);
    for (int64_t i = 0; i < count; ++i) {
        out[i] = static_cast<float>(x[i] * scale * weight[i]);
    }
}

} // namespace caldera::kernels::reference
