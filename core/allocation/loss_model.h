// What settings are predicted to cost in KL divergence, from what `caldera fidelity` measured.
#pragma once

#include <array>
#include <map>
#include <utility>
#include <vector>

#include "core/plan/plan_cells.h"
#include "core/report/option_error.h"
#include "core/report/report.h"

namespace caldera {

enum class Table : uint8_t { Embeddings, Head };
inline constexpr std::array kTables = {Table::Embeddings, Table::Head};
inline constexpr std::array kTableBits = {16, 8, 4};

/// Bits that the plan gives a table.
int tableBits(const Plan& plan, Table table);

/// How the sensitivity of a cell came about.
enum class SensitivityOrigin {
    Measured,
    Interpolated, ///< between layers
    Assumed,      ///< like most models', because nothing was measured
};

/// The predicted divergence is the sum over cells of sensitivity x relative error^2, and what the
/// tables cost. Immutable, so any thread may ask.
class LossModel {
public:
    /// Takes options from the metric "proxy" and sensitivities from "kl", where the report has it.
    /// Throws Error("allocation.model") for a report of another model, Error("allocation.options")
    /// where no settings of a module were measured, Error("allocation.measurement") for numbers
    /// that cannot be.
    LossModel(const Report& report, const ModelConfig& config);

    /// Nats of KL divergence at a relative error of 1.
    double sensitivity(Cell cell) const { return factsOf(cell).sensitivity; }
    SensitivityOrigin sensitivityOrigin(Cell cell) const { return factsOf(cell).origin; }
    /// Extrapolated where another codec was measured.
    OptionError error(Cell cell, const CellSettings& settings) const;
    /// Measured settings of the cell, or of its module in the nearest layer.
    const std::vector<FidelityOption>& options(Cell cell) const {
        return options_[factsOf(cell).options];
    }

    /// Nats that a cell adds; 0 for one that stays at 16 bits.
    double cellLoss(Cell cell, const CellSettings& settings) const;
    /// Nats that a table adds; 0 at 16 bits and where it was not measured.
    double tableLoss(Table table, int bits) const;
    bool isMeasured(Table table, int bits) const;
    /// Of a whole plan for the model.
    double planLoss(const Plan& plan, const PlanCells& cells) const;

    /// Compressed cells of a plan whose error or sensitivity is not measured.
    int interpolatedCells(const PlanCells& cells) const;

    /// One standard error of a predicted loss over the loss itself, from the tokens that
    /// divergences were measured on; cells err together, since their tokens are the same. 0:
    /// unknown.
    double relativeDeviation() const { return relativeDeviation_; }

    /// Whether every sensitivity rests on measurements, so that sums are nats and not only an
    /// order.
    bool hasSensitivities() const { return hasSensitivities_; }

private:
    struct CellFacts {
        size_t options = 0;
        bool hasOwnOptions = true; ///< or those of another layer
        double sensitivity = 0;
        SensitivityOrigin origin = SensitivityOrigin::Assumed;
    };
    static size_t slot(Cell cell) {
        return static_cast<size_t>(cell.layer) * kModules.size() + static_cast<size_t>(cell.module);
    }
    const CellFacts& factsOf(Cell cell) const { return cells_[slot(cell)]; }
    void takeOptions(const FidelityMetric& metric);
    void takeOptions(Module module, const std::map<int, size_t>& layers);
    using LogSensitivities = std::array<std::map<int, double>, kModules.size()>;
    LogSensitivities measuredSensitivities(const FidelityMetric& metric) const;
    void takeSensitivities(const FidelityMetric& metric);
    void takeDeviations(const FidelityMetric& metric);
    void takeTables(const FidelityMetric& metric);

    ModelConfig config_;
    std::vector<std::vector<FidelityOption>> options_;
    std::vector<ErrorTable> errors_;  ///< between options_
    std::vector<std::string> codecs_; ///< that options_ were measured with; empty: not known
    std::vector<CellFacts> cells_;    ///< [layer][module]
    std::map<std::pair<Table, int>, double> tables_;
    double relativeDeviation_ = 0;
    bool hasSensitivities_ = false;
};

} // namespace caldera
