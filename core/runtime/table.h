// The embedding and the head, straight from the artifact.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/runtime/thread_pool.h"

namespace caldera {

/// bf16, or int8 with a scale per row.
class Table {
public:
    explicit Table(const ArtifactTable& table);

    /// One row as f32 into out [columns].
    void row(int64_t index, float* out) const;
    /// All rows times x [columns]: the logits.
    void multiply(ThreadPool& pool, const float* x, std::span<float> out) const;

    int64_t bytes() const;
    int64_t rowBytes() const { return bytes() / table_.shape.rows; }

private:
    ArtifactTable table_;
    std::vector<float> rowScale_; ///< empty at 16 bits
};

} // namespace caldera
