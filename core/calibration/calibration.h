// Calibration: text to token sequences, and the Hessians of one block's four inputs.
#pragma once

#include <array>
#include <cstdint>
#include <stop_token>
#include <string>

#include <torch/types.h>

#include "core/forward/transformer.h"
#include "core/job/progress.h"
#include "core/model/tokenizer.h"
#include "core/plan/plan.h"

namespace caldera {

/// The plan's settings with sequences no longer than the model's positions.
CalibrationSettings fitCalibration(CalibrationSettings settings, const ModelConfig& config);

/// The text a plan names ("builtin" comes from the resources). Throws Error("calibration.text").
std::string calibrationText(const CalibrationSettings& settings);

/// Sequences [n, length] int64 cut from the text at seeded random places without overlap, in random
/// order. A text that is too short for the plan gives fewer tokens, which `progress` is told, or
/// one shorter sequence; fewer than two tokens throw Error("calibration.too-short").
torch::Tensor calibrationTokens(const Tokenizer& tokenizer, const std::string& text,
                                const CalibrationSettings& settings,
                                Progress& progress = noProgress());

/// Mean of x x^T over tokens, f32 on the weights' device, by InputGroup.
struct BlockHessians {
    std::array<torch::Tensor, 4> hessian; ///< [size, size]
    int64_t tokens = 0;
};

/// Runs one block over hidden [n, t, hidden], replaces it by the block's output and returns the
/// Hessians of the four inputs. Sequences pass in slices, so memory stays at a few of them. The
/// same inputs and thread count give the same bits. On a GPU products take bf16 and accumulate f32
/// (docs/decisions/0042); `hidden` is best in pinned memory there. Throws Cancelled between slices.
BlockHessians calibrateBlock(const ModelConfig& config, const BlockWeights& weights,
                             torch::Tensor& hidden, const std::stop_token& stop = {});

/// Replaces hidden by the block's output, to the bit as calibrateBlock does, without the Hessians.
void propagateBlock(const ModelConfig& config, const BlockWeights& weights, torch::Tensor& hidden,
                    const std::stop_token& stop = {});

} // namespace caldera
