// The compression job: calibrate, decompose every cell, join the artifact. Resumable at any point.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "core/compress/shard.h"
#include "core/job/progress.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "core/report/report.h"

namespace caldera {

struct CompressRequest {
    std::shared_ptr<const Model> model;
    Plan plan;
    std::filesystem::path out;  ///< artifact folder; must not exist, or be empty
    std::filesystem::path work; ///< finished cells and block inputs; reused when they still fit
    std::string device = "cpu"; ///< "cpu" or "cuda"
    std::string command;        ///< for the report
    /// Only these layers, into a shard: `out` is then the work folder too (`work` is ignored) and
    /// may hold an earlier run's work.
    std::optional<LayerRange> layers{};
    std::string source{}; ///< path or name of the model, which a shard remembers
    bool force = false;   ///< begins also where the disk seems to have too little room
};

struct CompressResult {
    std::string artifactHash; ///< empty for a shard
    int cells = 0;
    int reusedCells = 0;
    double bitsPerWeight = 0;
    int64_t fileBytes = 0;
    double meanRelativeError = 0;
    double seconds = 0;
};

/// Emits a "cell" event per finished cell {layer, module, relative_error, bpw, seconds, reused} and
/// an "artifact" event at the end. A cell file is reused when its key (model fingerprint, cell
/// settings, calibration, seed, kind of device, threads, format) is unchanged. With `layers` only
/// their cells are made; the original model's forward pass still goes through the layers before.
/// Throws Error, Cancelled; whatever was finished stays in `work`.
CompressResult compress(const CompressRequest& request, Progress& progress,
                        const std::stop_token& stop);

} // namespace caldera
