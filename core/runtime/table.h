// The embedding and the head, straight from the artifact.
#pragma once

#include <cstdint>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/runtime/thread_pool.h"
#include "kernels/activation/quantized_inputs.h"
#include "kernels/dense/dense.h"

namespace caldera {

/// Of 16, 8 or 4 bits.
class Table {
public:
    explicit Table(const ArtifactTable& table);

    /// One row as f32 into out [columns].
    void row(int64_t index, float* out) const;
    /// All rows times each x: the logits. Every vector of y has room for all rows.
    void multiply(ThreadPool& pool, const kernels::InputVectors& x,
                  const kernels::OutputVectors& y) const;

    int64_t bytes() const;
    int64_t rowBytes() const { return bytes() / table_.shape.rows; }

private:
    struct Inputs {
        kernels::InputVectors values;
        kernels::QuantizedBatch codes; ///< at 4 bits
    };
    /// Some rows times each x, into the first places of y.
    void multiplyRows(int64_t first, int64_t count, const Inputs& inputs,
                      const kernels::OutputVectors& y) const;

    ArtifactTable table_;
    std::vector<float> rowScale_; ///< at 8 bits
};

} // namespace caldera
