// How fragile each cell is, before anything is compressed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "core/fidelity/held_out.h"
#include "core/fidelity/lens_metric.h"
#include "core/fidelity/option_errors.h"
#include "core/fidelity/sipit_metric.h"
#include "core/job/progress.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "core/report/report.h"

namespace caldera {

enum class Metric { Proxy, Kl, SipIt, Lens };

struct FidelityRequest {
    std::shared_ptr<const Model> model;
    Plan plan; ///< the setting of each cell that is measured, and the calibration
    std::set<Metric> metrics = {Metric::Proxy};
    std::vector<OptionChoice> options; ///< of proxy, besides the plan's setting
    HeldOutSettings heldOut;           ///< of kl, sipit and lens
    SipItSettings sipit;
    LensSettings lens;
    /// Bytes of states that the variants of kl may take; more layers' variants pass together.
    int64_t variantBytes = int64_t{4} << 30;
    /// Finished layers and states, for a run that goes on; empty: kept nowhere.
    std::filesystem::path work{};
    std::string device = "cpu";
    std::string command;
};

/// The metrics (docs/fidelity.md) in one pass over the layers, of which one is in memory at a time.
/// A run that finds the work of one that was stopped goes on with it and gives the same report.
/// Emits a "cell" event {metric, layer, module, value, reused} for each value. Throws Error,
/// Cancelled.
Report measureFidelity(const FidelityRequest& request, Progress& progress,
                       const std::stop_token& stop);

} // namespace caldera
