#include "app/cli/compress_needs.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/compress/work_folder.h"
#include "core/plan/time_estimate.h"

namespace caldera::cli {

namespace {

namespace fs = std::filesystem;

/// The plan's cells outside of the layers count as those that it skips.
Plan planOfLayers(Plan plan, const ModelConfig& config, const std::optional<LayerRange>& layers) {
    for (int layer = 0; layers && layer < config.layerCount; ++layer) {
        if (layer < layers->begin || layer >= layers->end) {
            plan.skipLayers.push_back("model.layers." + std::to_string(layer) + ".*");
        }
    }
    return plan;
}

/// Fewer calibration tokens are what costs least.
std::vector<SmallerJob> smallerJobs(const PlanCells& cells, CalibrationSettings calibration,
                                    Processor on) {
    constexpr int64_t kFewest = 8192;
    std::vector<SmallerJob> jobs;
    for (calibration.tokens /= 2; calibration.tokens >= kFewest; calibration.tokens /= 2) {
        jobs.push_back({"--calibration-tokens " + std::to_string(calibration.tokens),
                        compressMemory(cells, calibration, on)});
    }
    return jobs;
}

/// Bytes that an earlier run has written already.
int64_t bytesIn(const fs::path& folder) {
    int64_t bytes = 0;
    std::error_code error;
    for (auto entry = fs::recursive_directory_iterator(folder, error);
         entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        bytes += entry->is_regular_file(error) ? static_cast<int64_t>(entry->file_size(error)) : 0;
    }
    return bytes;
}

/// The artifact, and beside it all cells and the block inputs of two layers until it is complete.
std::vector<DiskNeed> diskNeeds(const CompressRequest& request, const PlanCells& cells) {
    constexpr int64_t kSmallFiles = int64_t{16} << 20;
    int64_t work = 2 * request.plan.calibration.tokens * cells.config().hiddenSize *
                   static_cast<int64_t>(sizeof(float));
    for (int layer = 0; layer < cells.layerCount(); ++layer) {
        for (const Module module : kModules) {
            work += cells.settingsOf({layer, module}).skip ? 0 : cells.bytesOf({layer, module});
        }
    }
    work -= bytesIn(cellsFolder(request.work)) + bytesIn(hiddenFolder(request.work));
    std::vector<DiskNeed> needs{{request.work, std::max<int64_t>(work, 0)}};
    if (!request.layers) {
        needs.push_back({request.out, cells.size().total() + kSmallFiles});
    }
    return needs;
}

} // namespace

PlannedWork plannedWork(const CompressRequest& request, const ComputeOptions& compute) {
    const ModelConfig& config = request.model->config;
    const Plan plan = planOfLayers(request.plan, config, request.layers);
    const PlanCells cells(plan, config);
    const CalibrationSettings& calibration = plan.calibration;
    const Processor on = processorOf(request.device);
    PlannedWork work;
    work.kind = "compress";
    work.device = request.device;
    work.memory = compressMemory(cells, calibration, on);
    work.smaller = smallerJobs(cells, calibration, on);
    work.disk = diskNeeds(request, cells);
    work.documentedSeconds = on == Processor::Cpu
                                 ? compressSeconds(plan, cells, computingThreads(compute.threads))
                                 : compressSecondsOnGpu(cells);
    return work;
}

} // namespace caldera::cli
