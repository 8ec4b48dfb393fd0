// CALDERA: W ~ Q + L R in the rotated basis, all three quantized (design section 7).
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include <torch/types.h>

#include "core/artifact/compressed_cell.h"
#include "core/plan/plan.h"

namespace caldera {

/// What the cells of one input group share, formed once.
struct GroupBasis {
    torch::Tensor inSign;          ///< [columns] f32, +-1
    torch::Tensor hessian;         ///< [columns, columns] f32: H~ / mean diag + damping I, rotated
    torch::Tensor cholesky;        ///< lower factor of `hessian`
    torch::Tensor metric;          ///< H~ / mean diag + 0.01 I: errors are reported in it
    torch::Tensor hessianDiagonal; ///< [columns] of the unrotated H / mean diag
    double dampingUsed = 0.01;     ///< above the plan's only when a Cholesky failed
    int64_t transformBlock = 1;
};

/// hessian [columns, columns] f32 = E[x x^T], any scale; an undefined tensor means the identity.
/// One that is moved here is gone before the factorization: of a wide group it is gigabytes. Throws
/// Error("decompose.*") for NaN, entries above 2^125, a wrong shape, or what no damping saves.
GroupBasis makeGroupBasis(torch::Tensor hessian, int64_t columns, const CellSettings& settings,
                          uint64_t seed);

struct DecomposeRequest {
    Cell cell;
    torch::Tensor weight; ///< [rows, columns] f32, unrotated
    CellSettings settings;
    uint64_t seed = 0;
    std::stop_token stop;
    std::string where{}; ///< what messages name; empty: the cell
};

/// Throws Error("decompose.not-finite") for NaN or infinity, Error("decompose.range") for weights
/// that are not all zero and all below what fp16 scales can hold.
void checkWeight(const torch::Tensor& weight);

/// Codes, scales, signs and report of one matrix. Deterministic for a seed, thread count and device
/// kind. Throws Error("decompose.*") for weights as checkWeight() does or with a scale above fp16,
/// for wrong shapes, ranks and choices, and Cancelled.
CompressedCell decompose(const DecomposeRequest& request, const GroupBasis& basis);

/// The weight that the cell stands for, unrotated: [rows, columns] f32 on `device`.
torch::Tensor reconstruct(const CompressedCell& cell, const torch::Device& device = torch::kCPU);

} // namespace caldera
