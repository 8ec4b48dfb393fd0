// Single matrices with the Hessians of their inputs, for `caldera decompose` and for experiments.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/job/progress.h"
#include "core/model/model.h"
#include "core/plan/plan.h"

namespace caldera {

struct CellInputsRequest {
    std::shared_ptr<const Model> model;
    CalibrationSettings calibration;
    std::vector<Cell> cells;
    std::filesystem::path folder; ///< created when missing
    std::string device = "cpu";
};

/// Runs the calibration text through the model up to the last of the cells and writes
/// `<folder>/<cell>.safetensors` for each: `weight` [rows, columns] and `hessian` [columns,
/// columns], the mean of x x^T, both F32. Returns the files in the order of the model. Throws
/// Error("calibration.*"), Error("file.*"), Cancelled.
std::vector<std::filesystem::path> writeCellInputs(const CellInputsRequest& request,
                                                   Progress& progress, const std::stop_token& stop);

} // namespace caldera
