// What products of coded rows with vectors of integers are, for the references of all codes.
#pragma once

#include <span>

#include "kernels/activation/activation.h"
#include "kernels/dense/dense.h"

namespace caldera::kernels::reference {

/// y[t][i] += scale * (weights [rows, columns] times x[t])[i].
void addIntegerProduct(std::span<const float> weights, int64_t rows, float scale,
                       const QuantizedBatch& x, const OutputVectors& y);

} // namespace caldera::kernels::reference
