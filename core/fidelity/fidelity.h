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

/// Metric "proxy": activation-weighted relative error of the plan's codec without a low-rank part,
/// one calibration pass; singular values of every cell come with it.
Report measureFidelity(const FidelityRequest& request, Progress& progress,
                       const std::stop_token& stop);

} // namespace caldera
