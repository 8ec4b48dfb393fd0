// Uncompressed matrices times a few f32 vectors: embedding heads, skipped cells, decoded tiles and
// attention scores.
#pragma once

#include <cstdint>

namespace caldera::kernels {

/// `rows` consecutive rows of a row-major matrix. Value: float, uint16_t (bf16 bits) or int8_t.
template <class Value>
struct RowBlock {
    const Value* values = nullptr;
    int64_t rows = 0;
    int64_t columns = 0;
    int64_t stride = 0; ///< values from one row to the next
};

/// `count` vectors, each of at least as many values as the matrix has columns.
struct InputVectors {
    const float* values = nullptr;
    int64_t count = 0;
    int64_t stride = 0; ///< values from one vector to the next
};

/// One output vector per input vector, each of `rows` values.
struct OutputVectors {
    float* values = nullptr;
    int64_t stride = 0;
};

/// y[t][r] = sum over c of w[r][c] x[t][c], accumulated in f32. An output depends only on its own
/// row and vector and on how many vectors there are, never on how rows are split between calls.
void multiply(const RowBlock<float>& w, const InputVectors& x, const OutputVectors& y);
void multiply(const RowBlock<uint16_t>& w, const InputVectors& x, const OutputVectors& y);
void multiply(const RowBlock<int8_t>& w, const InputVectors& x, const OutputVectors& y);

/// sum[c] += sum over r of weights[r] rows[r][c].
void addWeightedRows(const RowBlock<float>& rows, const float* weights, float* sum);

/// x[i] = exp(x[i] - max) and their sum is returned: the numerator of a softmax.
float expAndSum(float* x, int64_t count, float max);

/// gate[i] = gate[i] sigmoid(gate[i]) up[i] (SwiGLU).
void swiGlu(float* gate, const float* up, int64_t count);

/// out[i] = x[i] weight[i] / sqrt(mean of x^2 + epsilon). out may be x.
void rmsNorm(const float* x, const float* weight, int64_t count, float epsilon, float* out);

/// out[i] = a[i] b[i]. out may be a or b.
void multiplyEach(const float* a, const float* b, int64_t count, float* out);

/// The same results up to rounding, in plain loops: the truth that tests compare with.
namespace reference {
void multiply(const RowBlock<float>& w, const InputVectors& x, const OutputVectors& y);
void multiply(const RowBlock<uint16_t>& w, const InputVectors& x, const OutputVectors& y);
void multiply(const RowBlock<int8_t>& w, const InputVectors& x, const OutputVectors& y);
void addWeightedRows(const RowBlock<float>& rows, const float* weights, float* sum);
float expAndSum(float* x, int64_t count, float max);
void swiGlu(float* gate, const float* up, int64_t count);
void rmsNorm(const float* x, const float* weight, int64_t count, float epsilon, float* out);
} // namespace reference

} // namespace caldera::kernels
