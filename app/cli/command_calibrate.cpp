#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/compute_options.h"
#include "core/base/error.h"
#include "core/base/glob.h"
#include "core/calibration/cell_inputs.h"

namespace caldera::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
    std::string model;
    std::vector<std::string> patterns;
    fs::path out;
    CalibrationOptions calibration;
    ComputeOptions compute;
};

/// Every pattern must name a cell, so that a misspelt one is noticed.
std::vector<Cell> cellsNamed(const std::vector<std::string>& patterns, const ModelConfig& config) {
    std::vector<Cell> cells;
    for (const std::string& pattern : patterns) {
        const size_t before = cells.size();
        for (int layer = 0; layer < config.layerCount; ++layer) {
            for (const Module module : kModules) {
                if (matchesGlob(pattern, cellName({layer, module}))) {
                    cells.push_back({layer, module});
                }
            }
        }
        if (cells.size() == before) {
            throw Error("calibrate.no-match",
                        "The pattern \"" + pattern + "\" matches no cell. Cells are named " +
                            cellName({0, kModules.front()}) + " to " +
                            cellName({config.layerCount - 1, kModules.back()}) + ".",
                        {{"pattern", pattern}});
        }
    }
    return cells;
}

void run(const Options& options, Invocation& invocation) {
    options.compute.apply();
    CellInputsRequest request;
    request.model = openModel(options.model);
    request.cells = cellsNamed(options.patterns, request.model->config);
    request.folder = options.out;
    request.device = options.compute.device;
    Plan plan = defaultPlan(options.model, request.model->config);
    options.calibration.applyTo(plan);
    request.calibration = plan.calibration;
    const std::vector<fs::path> files =
        writeCellInputs(request, invocation.progress, invocation.stop);
    if (invocation.json) {
        nlohmann::json names = nlohmann::json::array();
        for (const fs::path& file : files) {
            names.push_back(file.string());
        }
        std::printf("%s\n", jsonText({{"files", std::move(names)}}).c_str());
        return;
    }
    for (const fs::path& file : files) {
        std::printf("%s\n", file.c_str());
    }
}

} // namespace

void addCalibrateCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app = commands.add(
        "calibrate", "Write single matrices with the Hessians of their inputs, for `decompose`",
        [options](Invocation& invocation) { run(*options, invocation); });
    app.add_option("MODEL", options->model, "Folder, .gguf file, or name in the Hugging Face cache")
        ->required()
        ->type_name("MODEL");
    app.add_option("--cell", options->patterns,
                   "Cell or shell pattern, as \"model.layers.3.*\"; may be given again")
        ->required()
        ->type_name("NAME");
    app.add_option("--out", options->out, "Folder for one safetensors file a cell")
        ->required()
        ->type_name("DIR");
    options->calibration.addTo(app);
    options->compute.addTo(app);
}

} // namespace caldera::cli
