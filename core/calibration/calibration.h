// Calibration: text to token sequences, and the Hessians of one block's four inputs.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <torch/types.h>

#include "core/forward/transformer.h"
#include "core/model/model.h"
#include "core/plan/plan.h"

namespace caldera {

/// The text a plan names ("builtin" comes from the resources). Throws Error("calibration.text").
std::string calibrationText(const CalibrationSettings& settings);

/// Sequences [n, length] int64 cut from the text at seeded random places without overlap. A short
/// text gives fewer tokens (the caller says so); none at all throws Error("calibration.too-short").
torch::Tensor calibrationTokens(const Tokenizer& tokenizer, const std::string& text,
                                const CalibrationSettings& settings);

/// Mean of x x^T over tokens, f32, by InputGroup.
struct BlockHessians {
    std::array<torch::Tensor, 4> hessian;
    int64_t tokens = 0;
};

/// Runs one block over hidden [n, t, hidden], replaces it by the block's output and returns the
/// Hessians of the four inputs. Sequences pass in slices, so memory stays at a few of them.
BlockHessians calibrateBlock(const ModelConfig& config, const BlockWeights& weights,
                             torch::Tensor& hidden);

} // namespace caldera
