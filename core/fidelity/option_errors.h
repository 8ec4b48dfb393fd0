// What compression at several settings leaves of a cell, measured on a part of its rows.
#pragma once

#include <span>
#include <stop_token>
#include <vector>

#include <torch/types.h>

#include "core/decompose/decompose.h"
#include "core/plan/plan.h"
#include "core/report/report.h"

namespace caldera {

/// Bits of Q and rank, the rest as the cell's settings.
struct OptionChoice {
    double bits = 0;
    int rank = 0;
    auto operator<=>(const OptionChoice&) const = default;
};

/// The choices in order, each once, that the cell's codec and shape allow, and the cell's own.
std::vector<OptionChoice> choicesFor(std::span<const OptionChoice> grid,
                                     const CellSettings& settings, MatrixShape shape);

/// Relative error of each choice, in its order: the best low-rank part of the weight in the metric
/// that compress starts with, noise in the place of its rounding, and Q by LDLQ without sweeps of
/// descent, on 128 rows spread over the matrix. Errors of rows stand in proportion to what is left
/// of them, so those of the other rows follow from their energy. rotated [rows, columns] lies in
/// the basis. Throws Error("decompose.range"), Cancelled.
std::vector<FidelityOption> optionErrors(const torch::Tensor& rotated, const GroupBasis& basis,
                                         const CellSettings& settings,
                                         std::span<const OptionChoice> choices,
                                         const std::stop_token& stop);

} // namespace caldera
