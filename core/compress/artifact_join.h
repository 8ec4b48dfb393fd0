// Finished cells become an artifact and its report: the end of a compression and of a merge.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>

#include "core/artifact/compressed_cell.h"
#include "core/compress/compress.h"
#include "core/job/progress.h"
#include "core/model/model.h"
#include "core/plan/plan.h"
#include "core/report/report.h"

namespace caldera {

struct JoinRequest {
    std::shared_ptr<const Model> model;
    Plan plan;
    std::filesystem::path out; ///< absent or empty; its staging folder is locked by the caller
    RunFacts facts;            ///< for the report
    std::function<CompressedCell(Cell)> load; ///< once per cell of the plan that is not skipped
};

/// Number and mean relative error of the cells.
CompressResult summarize(const std::map<Cell, CellReport>& reports);

/// Writes everything beside the target, which then appears at once and whole. Emits the stage
/// "write" and an "artifact" event. `reusedCells` and `seconds` of the result are left at 0. Throws
/// Error("artifact.*", "file.*"), Cancelled.
CompressResult joinArtifact(const JoinRequest& request, Progress& progress,
                            const std::stop_token& stop);

} // namespace caldera
