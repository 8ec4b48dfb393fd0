// How fragile each cell is, before anything is compressed.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

#include "core/job/progress.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "core/report/report.h"

namespace caldera {

struct FidelityRequest {
    std::shared_ptr<const Model> model;
    Plan plan; ///< the option that is measured, and the calibration
    std::string device = "cpu";
    std::string command;
};

/// Metric "proxy": activation-weighted relative error of each cell when its plan's codec rounds it
/// to nearest in the rotated basis (rank 0, no feedback: quick, and monotone in what the solver
/// reaches). One calibration pass, one layer in memory at a time; every cell comes with its
/// spectra, and its report says what was measured: the cell's settings at rank 0. Emits a "cell"
/// event {layer, module, value} for each. Throws Error, Cancelled.
Report measureFidelity(const FidelityRequest& request, Progress& progress,
                       const std::stop_token& stop);

} // namespace caldera
