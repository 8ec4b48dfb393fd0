// What a cell's result depends on, as one hash: a finished cell is reused while it stays the same.
#pragma once

#include <cstdint>
#include <string>

#include "core/model/model.h"
#include "core/plan/plan.h"

namespace caldera {

/// Names the calibration: model, text (by its hash), tokens, seed, device kind, and the threads and
/// BLAS kernels of this process. Hidden states on disk carry it.
std::string calibrationKey(const Model& model, const CalibrationSettings& calibration,
                           const std::string& text, const std::string& device);

/// 64 hexadecimal digits. Whether a cell is locked and what other groups do has no part in it.
std::string cellKey(const Plan& plan, Cell cell, const std::string& calibrationKey);

} // namespace caldera
