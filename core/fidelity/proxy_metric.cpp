#include "core/fidelity/proxy_metric.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

#include "core/base/saying_where.h"
#include "core/calibration/calibration.h"
#include "core/decompose/cell_basis.h"
#include "core/fidelity/compression_noise.h"
#include "core/job/progress.h"
#include "core/linalg/random.h"
#include "core/linalg/spectrum.h"
#include "core/plan/group_settings.h"
#include "core/plan/plan_cells.h"
#include "core/plan/rank_step.h"

namespace caldera {

namespace {

constexpr const char* kDescription =
    "Activation-weighted relative error that compression by the plan leaves of each cell, measured "
    "on a part of its rows. Higher is more fragile.";

std::vector<float> toVector(const torch::Tensor& x) {
    const torch::Tensor flat = x.to(at::kCPU, at::kFloat).contiguous();
    return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

double errorAt(const std::vector<FidelityOption>& options, const CellSettings& settings) {
    return std::find_if(options.begin(), options.end(),
                        [&](const FidelityOption& option) {
                            return option.bits == settings.bits && option.rank == settings.rank;
                        })
        ->relativeError;
}

/// Everything of a report but the spectra and the diagonal.
CellReport reportOf(const CellSettings& settings, MatrixShape shape, double relativeError,
                    double dampingUsed) {
    CellReport report;
    report.settings = settings;
    report.shape = shape;
    report.relativeError = relativeError;
    report.proxyError = relativeError * relativeError;
    report.dampingUsed = dampingUsed;
    report.bytes = cellBytes(settings, shape);
    report.bitsPerWeight =
        static_cast<double>(report.bytes) * 8 / static_cast<double>(shape.size());
    return report;
}

void addSpectra(CellReport& report, const torch::Tensor& weight, const GroupBasis& basis,
                const torch::Tensor& rotated) {
    Spectrum spectrum = spectrumOf(weight);
    report.singularValues = std::move(spectrum.leading);
    report.tailEnergy = spectrum.tailEnergy;
    spectrum = spectrumOf(at::mm(rotated, basis.cholesky));
    report.hessianSingularValues = std::move(spectrum.leading);
    report.hessianTailEnergy = spectrum.tailEnergy;
    report.hessianDiagonal = toVector(basis.hessianDiagonal);
}

} // namespace

CellSettings measuredSettings(const Plan& plan, Cell cell, MatrixShape shape) {
    CellSettings settings = plan.settingsOf(cell);
    if (settings.skip) {
        settings.skip = false;
        settings.rank = std::min(settings.rank, largestRank(shape));
    }
    return settings;
}

void checkMeasured(const Plan& plan, const ModelConfig& config) {
    const PlanCells cells(plan, config);
    checkPlan(plan, cells);
    for (int layer = 0; layer < config.layerCount; ++layer) {
        for (const Module module : kModules) {
            const Cell cell{layer, module};
            if (cells.settingsOf(cell).skip) { // of the others it is known
                const MatrixShape shape = config.shapeOf(module);
                checkCell(cellName(cell), measuredSettings(plan, cell, shape), shape);
            }
        }
    }
}

void ProxyMetric::measureCell(Cell cell, const torch::Tensor& weight, const GroupBasis& basis,
                              LayerErrors& errors) const {
    checkWeight(weight);
    const MatrixShape shape = config_.shapeOf(cell.module);
    const CellSettings settings = measuredSettings(plan_, cell, shape);
    const uint64_t seed = deriveSeed(settings.seed, cellName(cell));
    const CellBasis cellBasis(basis, settings, shape.rows, seed);
    const torch::Tensor rotated = cellBasis.rotated(weight);
    std::vector<FidelityOption>& options = errors.options[cell];
    options =
        optionErrors(rotated, basis, settings, choicesFor(wanted_.grid, settings, shape), stop_);
    const double atPlan = errorAt(options, settings);
    errors.atPlan[cell] = atPlan;
    if (wanted_.reports) {
        CellReport& report = errors.cells[cell];
        report = reportOf(settings, shape, atPlan, basis.dampingUsed);
        addSpectra(report, weight, basis, rotated);
    }
    if (wanted_.noise) {
        errors.disturbed.weight[static_cast<size_t>(cell.module)] =
            noisyWeight(weight, cellBasis, atPlan, deriveSeed(seed, "noise")).cpu();
    }
}

LayerErrors ProxyMetric::measureLayer(int layer, const BlockWeights& weights,
                                      torch::Tensor hidden) const {
    LayerErrors errors;
    errors.disturbed = weights; // on a GPU the noisy ones wait outside until the Hessians are gone
    BlockHessians hessians = calibrateBlock(config_, weights, hidden, stop_);
    for (const InputGroup group : kInputGroups) {
        checkCancelled(stop_);
        const CellSettings shared = groupSettings(plan_, layer, group);
        const std::string name = inputGroupPrefix(layer, group);
        const GroupBasis basis = sayingWhere(name, [&] {
            return makeGroupBasis(std::move(hessians.hessian[static_cast<size_t>(group)]),
                                  config_.inputSize(group), shared, deriveSeed(shared.seed, name));
        });
        for (const Module module : kModules) {
            if (inputGroupOf(module) != group) {
                continue;
            }
            checkCancelled(stop_);
            const Cell cell{layer, module};
            sayingWhere(cellName(cell), [&] {
                measureCell(cell, weights.weight[static_cast<size_t>(module)], basis, errors);
            });
        }
    }
    for (torch::Tensor& weight : errors.disturbed.weight) {
        weight = weight.to(weights.inputNorm.device());
    }
    return errors;
}

FidelityMetric ProxyMetric::emptyMetric() {
    return {"proxy", kDescription, {}};
}

} // namespace caldera
