// Read access to a model's tensors, whatever file they lie in.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/model/module.h"

namespace caldera {

struct TensorInfo {
    std::string name;  ///< Hugging Face name, e.g. "model.layers.0.mlp.up_proj.weight"
    std::string dtype; ///< as stored: "F32", "F16", "BF16", "Q4_0", "Q6_K", ...
    std::vector<int64_t> shape;
    uint64_t bytes = 0; ///< as stored
};

/// A tensor as rows of its last axes: a vector is one row.
MatrixShape rowsAndColumns(const TensorInfo& tensor);

/// "[576, 1536]", for messages.
std::string shapeText(const std::vector<int64_t>& shape);

/// Tensors by Hugging Face name, dequantized to f32 on reading. Thread-safe for concurrent reads.
class WeightSource {
public:
    virtual ~WeightSource() = default;

    virtual const std::vector<TensorInfo>& tensors() const = 0;
    /// nullptr when there is no such tensor.
    virtual const TensorInfo* find(const std::string& name) const = 0;
    /// Rows [first, first + count) of a matrix (a vector is one row), row-major, into
    /// out[count * columns]. Throws Error("model.tensor-missing") naming tensor and file.
    virtual void readRows(const std::string& name, int64_t first, int64_t count,
                          std::span<float> out) const = 0;

    /// The whole tensor.
    std::vector<float> read(const std::string& name) const;
};

} // namespace caldera
