// Metric "proxy": the error that compression leaves of each cell, by bits and rank.
#pragma once

#include <map>
#include <stop_token>
#include <vector>

#include <torch/types.h>

#include "core/fidelity/option_errors.h"
#include "core/forward/transformer.h"
#include "core/plan/plan.h"
#include "core/report/report.h"

namespace caldera {

/// What the calibration text says about one layer's cells.
struct LayerErrors {
    std::map<Cell, CellReport> cells; ///< spectra and the error at the plan's setting
    std::map<Cell, std::vector<FidelityOption>> options;
    std::map<Cell, double> atPlan; ///< relative error at the plan's setting
    /// The block with compression's errors in every module; undefined weights without noise.
    BlockWeights disturbed;
};

/// What a cell is measured at. One that the plan skips: at its other settings, of which the plan
/// need not know that they fit, at the largest rank that its matrix has.
CellSettings measuredSettings(const Plan& plan, Cell cell, MatrixShape shape);
/// Throws Error("plan.*") as checkPlan() does, also for what skipped cells are measured at.
void checkMeasured(const Plan& plan, const ModelConfig& config);

class ProxyMetric {
public:
    struct Wanted {
        std::vector<OptionChoice> grid; ///< besides the plan's own setting
        bool reports = true;            ///< cells with spectra
        bool noise = false;             ///< the disturbed block
    };
    /// All of them outlive the metric. A cell that the plan skips is measured, too: whether to skip
    /// it is what the measurement is for.
    ProxyMetric(const Plan& plan, const ModelConfig& config, Wanted wanted,
                const std::stop_token& stop)
        : plan_(plan), config_(config), wanted_(std::move(wanted)), stop_(stop) {}

    /// Replaces hidden [n, t, hidden], the calibration text's states before the layer, by those
    /// after it. Throws Error("decompose.*") naming the cell or input group, Cancelled.
    LayerErrors measureLayer(int layer, const BlockWeights& weights, torch::Tensor hidden) const;

    /// Name and description.
    static FidelityMetric emptyMetric();

private:
    void measureCell(Cell cell, const torch::Tensor& weight, const GroupBasis& basis,
                     LayerErrors& errors) const;

    const Plan& plan_;
    const ModelConfig& config_;
    Wanted wanted_;
    const std::stop_token& stop_;
};

} // namespace caldera
