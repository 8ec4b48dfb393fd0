// Tensors of an artifact that come from the model as it is: tables, norms, biases, and matrices
// that stay at 16 bits.
#pragma once

#include <cstddef>
#include <vector>

#include "core/artifact/layout.h"
#include "core/model/model.h"

namespace caldera {

/// A tensor's bytes and, of a table of 8 or 4 bits, those of the scales that follow it.
struct ModelTensor {
    std::vector<std::byte> codes;
    std::vector<std::byte> scales;
};

/// Every row of a matrix is decoded again before it counts. Throws Error("artifact.not-finite") for
/// what the codes cannot stand for, and what reading throws.
ModelTensor modelTensor(const Model& model, const TensorSpec& spec);

} // namespace caldera
