// What a cell's result depends on, as one hash: a finished cell is reused while it stays the same.
#pragma once

#include <cstdint>
#include <string>

#include "core/model/model.h"
#include "core/plan/plan.h"

namespace caldera {

/// Names the calibration: model, text (by its hash), tokens, seed and device kind. Hidden states on
/// disk carry it.
std::string calibrationKey(const Model& model, const CalibrationSettings& calibration,
                           const std::string& text, const std::string& device);

/// The first cell of the input group that is not skipped: its seed, damping and transform make the
/// basis that the group shares. `cell` itself must not be skipped.
CellSettings groupSettings(const Plan& plan, Cell cell);

/// 64 hexadecimal digits. Whether a cell is locked and what other groups do has no part in it.
std::string cellKey(const Plan& plan, Cell cell, const std::string& calibrationKey);

} // namespace caldera
