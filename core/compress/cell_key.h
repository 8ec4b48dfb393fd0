// What a cell's result depends on, as one hash: a finished cell is reused while it stays the same.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "core/model/model.h"
#include "core/plan/plan.h"

namespace caldera {

/// What Hessians and hidden states depend on: model, text (by its hash), tokens, sequence length,
/// seed, kind of device ("cuda:1" is "cuda"), and the threads and BLAS kernels of this process.
nlohmann::json calibrationFacts(const Model& model, const CalibrationSettings& calibration,
                                const std::string& text, const std::string& device);

/// The facts as one hash, 64 hexadecimal digits. Hidden states on disk carry it.
std::string calibrationKey(const nlohmann::json& facts);

/// 64 hexadecimal digits. Whether a cell is locked and what other groups do has no part in it.
std::string cellKey(const Plan& plan, Cell cell, const std::string& calibrationKey);

} // namespace caldera
