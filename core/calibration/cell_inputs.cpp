#include "core/calibration/cell_inputs.h"

#include <algorithm>
#include <set>
#include <utility>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/calibration/calibration.h"
#include "core/forward/transformer.h"
#include "core/linalg/device.h"
#include "core/model/safetensors.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;

void addMatrix(SafetensorsWriter& writer, const std::string& name, const torch::Tensor& matrix) {
    const torch::Tensor values = matrix.to(at::kCPU, at::kFloat).contiguous();
    const auto* bytes = reinterpret_cast<const std::byte*>(values.data_ptr<float>());
    writer.add(name, "F32", values.sizes().vec(), {bytes, values.nbytes()});
}

void requireFinite(const std::string& name, const torch::Tensor& matrix, Cell cell) {
    if (!at::isfinite(matrix).all().item<bool>()) {
        throw Error("calibration.not-finite",
                    cellName(cell) + ": the " + name +
                        " holds NaN or infinity. The model file is damaged or was saved in a "
                        "format too narrow for it.",
                    {{"where", cellName(cell)}, {"matrix", name}});
    }
}

fs::path writeCell(const fs::path& folder, Cell cell, const torch::Tensor& weight,
                   const torch::Tensor& hessian) {
    SafetensorsWriter writer;
    writer.setMetadata("cell", cellName(cell));
    const std::pair<std::string, const torch::Tensor&> matrices[] = {{"weight", weight},
                                                                     {"hessian", hessian}};
    for (const auto& [name, matrix] : matrices) {
        requireFinite(name, matrix, cell);
        addMatrix(writer, name, matrix);
    }
    fs::path file = folder / (cellName(cell) + ".safetensors");
    writer.write(file);
    return file;
}

std::vector<Module> modulesOf(const std::set<Cell>& cells, int layer) {
    std::vector<Module> modules;
    for (const Module module : kModules) {
        if (cells.contains({layer, module})) {
            modules.push_back(module);
        }
    }
    return modules;
}

} // namespace

std::vector<fs::path> writeCellInputs(const CellInputsRequest& request, Progress& progress,
                                      const std::stop_token& stop) {
    const ModelConfig& config = request.model->config;
    const std::set<Cell> cells(request.cells.begin(), request.cells.end());
    const auto weights = modelWeights(request.model, deviceOf(request.device));
    const CalibrationSettings calibration = fitCalibration(request.calibration, config);
    progress.stage("calibrate");
    torch::Tensor hidden =
        weights
            ->embed(calibrationTokens(*request.model->tokenizer, calibrationText(calibration),
                                      calibration, progress))
            .to(at::kCPU);
    fs::create_directories(request.folder);
    std::vector<fs::path> files;
    const int layers = cells.empty() ? 0 : cells.rbegin()->layer + 1;
    for (int layer = 0; layer < layers; ++layer) {
        checkCancelled(stop);
        const BlockWeights block = weights->block(layer);
        const std::vector<Module> wanted = modulesOf(cells, layer);
        if (wanted.empty()) {
            propagateBlock(config, block, hidden, stop);
        } else {
            const BlockHessians hessians = calibrateBlock(config, block, hidden, stop);
            for (const Module module : wanted) {
                files.push_back(writeCell(
                    request.folder, {layer, module}, block.weight[static_cast<size_t>(module)],
                    hessians.hessian[static_cast<size_t>(inputGroupOf(module))]));
            }
        }
        progress.advance(layer + 1, layers);
    }
    return files;
}

} // namespace caldera
