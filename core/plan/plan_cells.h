// Every cell of a model under a plan: settings and exact bytes, kept while the plan changes.
#pragma once

#include <cstdint>
#include <vector>

#include "core/plan/plan.h"

namespace caldera {

/// Plan::settingsOf() of all cells at once, in time linear in cells and overrides.
class PlanCells {
public:
    PlanCells() = default;
    PlanCells(const Plan& plan, const ModelConfig& config);

    /// Goes on to another plan for the same model. Counts only cells whose settings differ from
    /// those before, and returns them.
    std::vector<Cell> follow(const Plan& plan);

    int layerCount() const { return config_.layerCount; }
    const ModelConfig& config() const { return config_; }
    const CellSettings& settingsOf(Cell cell) const { return settings_[slot(cell)]; }
    /// Without the input signs that cells of a group share.
    int64_t bytesOf(Cell cell) const { return bytes_[slot(cell)]; }
    const PlanSize& size() const { return size_; }

private:
    static size_t slot(Cell cell) {
        return static_cast<size_t>(cell.layer) * kModules.size() + static_cast<size_t>(cell.module);
    }
    void count(const Plan& plan);

    ModelConfig config_;
    std::vector<CellSettings> settings_;
    std::vector<int64_t> bytes_;
    PlanSize size_;
};

/// All cells of a model, layer by layer.
std::vector<Cell> allCells(int layers);

/// What a plan says of a cell before its exact name is looked up.
CellSettings inheritedSettings(const Plan& plan, Cell cell);

/// checkPlan() of plan.h, for cells that are known already.
void checkPlan(const Plan& plan, const PlanCells& cells);

} // namespace caldera
