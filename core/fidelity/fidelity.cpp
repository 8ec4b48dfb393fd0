#include "core/fidelity/fidelity.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/ATen.h>

#include "core/base/saying_where.h"
#include "core/calibration/calibration.h"
#include "core/codec/codec.h"
#include "core/codec/transform.h"
#include "core/decompose/decompose.h"
#include "core/decompose/q_solver.h"
#include "core/forward/transformer.h"
#include "core/linalg/device.h"
#include "core/linalg/numerics.h"
#include "core/linalg/random.h"
#include "core/linalg/rotation.h"
#include "core/linalg/spectrum.h"
#include "core/plan/group_settings.h"

namespace caldera {

namespace {

constexpr const char* kDescription =
    "Activation-weighted relative error of the plan's codec alone: each weight rounded to nearest "
    "in the rotated basis, without feedback and without a low-rank part. Higher is more fragile.";

std::vector<float> toVector(const torch::Tensor& x) {
    const torch::Tensor flat = x.to(at::kCPU, at::kFloat).contiguous();
    return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

/// The option that is measured: the cell's codec, nothing else. A cell that the plan skips is
/// measured too: whether to skip it is what the measurement is for.
CellSettings codecAlone(CellSettings settings) {
    settings.rank = 0;
    settings.skip = false;
    return settings;
}

/// One calibration pass through the model, one layer in memory at a time.
class ProxyMeasurement {
public:
    ProxyMeasurement(const FidelityRequest& request, Progress& progress,
                     const std::stop_token& stop)
        : request_(request), config_(request.model->config), progress_(progress), stop_(stop),
          weights_(modelWeights(request.model, deviceOf(request.device))) {}

    Report run();

private:
    torch::Tensor embedCalibration();
    void measureLayer(int layer, torch::Tensor& hidden);
    void measureCell(Cell cell, const torch::Tensor& weight, const GroupBasis& basis);

    const FidelityRequest& request_;
    const ModelConfig& config_;
    Progress& progress_;
    const std::stop_token& stop_;
    std::shared_ptr<const TransformerWeights> weights_;
    FidelityMetric metric_{"proxy", kDescription, {}};
    std::map<Cell, CellReport> cells_;
};

torch::Tensor ProxyMeasurement::embedCalibration() {
    progress_.stage("calibrate");
    const CalibrationSettings settings = fitCalibration(request_.plan.calibration, config_);
    const torch::Tensor tokens = calibrationTokens(*request_.model->tokenizer,
                                                   calibrationText(settings), settings, progress_);
    return weights_->embed(tokens);
}

void ProxyMeasurement::measureCell(Cell cell, const torch::Tensor& weight,
                                   const GroupBasis& basis) {
    checkWeight(weight);
    const CellSettings settings = codecAlone(request_.plan.settingsOf(cell));
    const MatrixShape shape = config_.shapeOf(cell.module);
    const torch::Tensor turned =
        rotateColumns(weight * basis.inSign, basis.transformBlock); // W D_u Un
    const torch::Tensor outSign =
        randomSigns(shape.rows, 1, deriveSeed(settings.seed, cellName(cell))).to(weight.device());
    const torch::Tensor rotated =
        rotateRows(turned * outSign, transformBlock(settings.transform, shape.rows));

    const auto codec = makeCodec(settings.codecId());
    const QSolver solver(*codec, shape, basis.hessian, basis.cholesky, stop_);
    const torch::Tensor error = rotated - solver.dense(solver.nearest(rotated));
    const auto energy = [&](const torch::Tensor& x) {
        return (at::mm(x, basis.metric) * x).sum(at::kDouble).item<double>();
    };
    const double reference = energy(rotated);
    CellReport& report = cells_[cell];
    report.settings = settings;
    report.shape = shape;
    report.proxyError = reference > 0 ? std::max(0.0, energy(error) / reference) : 0;
    report.relativeError = std::sqrt(report.proxyError);
    report.dampingUsed = basis.dampingUsed;
    report.bytes = cellBytes(settings, shape);
    report.bitsPerWeight =
        static_cast<double>(report.bytes) * 8 / static_cast<double>(shape.size());
    Spectrum spectrum = spectrumOf(weight);
    report.singularValues = std::move(spectrum.leading);
    report.tailEnergy = spectrum.tailEnergy;
    spectrum = spectrumOf(at::mm(turned, basis.cholesky));
    report.hessianSingularValues = std::move(spectrum.leading);
    report.hessianTailEnergy = spectrum.tailEnergy;
    report.hessianDiagonal = toVector(basis.hessianDiagonal);

    metric_.values[cell] = report.relativeError;
    progress_.event("cell", {{"layer", cell.layer},
                             {"module", moduleName(cell.module)},
                             {"value", report.relativeError}});
    progress_.advance(static_cast<int64_t>(cells_.size()), config_.cellCount());
}

void ProxyMeasurement::measureLayer(int layer, torch::Tensor& hidden) {
    const BlockWeights weights = weights_->block(layer);
    BlockHessians hessians = calibrateBlock(config_, weights, hidden, stop_);
    for (const InputGroup group : kInputGroups) {
        const auto members = [&](Module module) { return inputGroupOf(module) == group; };
        const CellSettings shared = groupSettings(request_.plan, layer, group);
        checkCancelled(stop_);
        const std::string name = inputGroupPrefix(layer, group);
        const GroupBasis basis = sayingWhere(name, [&] {
            return makeGroupBasis(hessians.hessian[static_cast<size_t>(group)],
                                  config_.inputSize(group), shared, deriveSeed(shared.seed, name));
        });
        for (const Module module : kModules) {
            if (members(module)) {
                const Cell cell{layer, module};
                checkCancelled(stop_);
                sayingWhere(cellName(cell), [&] {
                    measureCell(cell, weights.weight[static_cast<size_t>(module)], basis);
                });
            }
        }
        hessians.hessian[static_cast<size_t>(group)].reset();
    }
}

Report ProxyMeasurement::run() {
    const at::NoGradGuard noGradients;
    torch::Tensor hidden = embedCalibration();
    progress_.stage("measure");
    progress_.advance(0, config_.cellCount());
    for (int layer = 0; layer < config_.layerCount; ++layer) {
        checkCancelled(stop_);
        measureLayer(layer, hidden);
    }
    Report report;
    report.run = RunFacts{request_.model->name, request_.model->fingerprint, request_.command,
                          request_.device, numericsName()}
                     .attributes();
    report.layerCount = config_.layerCount;
    report.cells = std::move(cells_);
    report.fidelity.push_back(std::move(metric_));
    return report;
}

} // namespace

Report measureFidelity(const FidelityRequest& request, Progress& progress,
                       const std::stop_token& stop) {
    checkPlan(request.plan, request.model->config);
    return ProxyMeasurement(request, progress, stop).run();
}

} // namespace caldera
