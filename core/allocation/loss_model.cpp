#include "core/allocation/loss_model.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/report/find_metric.h"
#include "core/report/standard_error.h"

namespace caldera {

namespace {

constexpr double kSmallestSensitivity = 1e-12; ///< its logarithm is finite
constexpr double kMostMeasured = 1e30;         ///< sums of products of such numbers are finite

/// Sensitivities where none was measured, of a module in all layers together: about what the demo
/// model and SmolLM2-135M have (docs/experiments/allocation.md).
constexpr std::array<double, kModules.size()> kAssumed = {1.2, 2, 1.5, 1.7, 3.8, 2.5, 4};

/// Throws unless a measured number is one that can be reckoned with.
void requireNumber(double value, const std::string& where, const std::string& what) {
    if (!(value >= 0 && value <= kMostMeasured)) {
        throw Error("allocation.measurement",
                    where + ": the report says that " + what + " is " + numberText(value) +
                        "; a number from 0 to " + numberText(kMostMeasured) +
                        " was needed. Measure again with `caldera fidelity`.",
                    {{"where", where}, {"came", numberText(value)}});
    }
}

void requireSameModel(const Report& report, const ModelConfig& config) {
    if (report.layerCount != config.layerCount) {
        throw Error("allocation.model",
                    "The report was measured on a model of " + std::to_string(report.layerCount) +
                        " layers, and this one has " + std::to_string(config.layerCount) +
                        ". Measure this model with `caldera fidelity`.",
                    {{"came", std::to_string(report.layerCount)},
                     {"needed", std::to_string(config.layerCount)}});
    }
}

/// ln(value) by layer -> its value at `layer`, linear between known layers and flat outside.
double atLayer(const std::map<int, double>& known, int layer) {
    const auto next = known.lower_bound(layer);
    if (next == known.end()) {
        return known.rbegin()->second;
    }
    if (next == known.begin() || next->first == layer) {
        return next->second;
    }
    const auto before = std::prev(next);
    const double share = static_cast<double>(layer - before->first) / (next->first - before->first);
    return before->second + share * (next->second - before->second);
}

} // namespace

int tableBits(const Plan& plan, Table table) {
    return table == Table::Embeddings ? plan.embeddingBits : plan.headBits;
}

LossModel::LossModel(const Report& report, const ModelConfig& config)
    : config_(config), cells_(static_cast<size_t>(config.cellCount())) {
    requireSameModel(report, config);
    const FidelityMetric* proxy = findMetric(report, "proxy");
    takeOptions(proxy != nullptr ? *proxy : FidelityMetric{});
    const FidelityMetric* kl = findMetric(report, "kl");
    takeSensitivities(kl != nullptr ? *kl : FidelityMetric{});
    if (kl != nullptr) {
        takeDeviations(*kl);
        takeTables(*kl);
    }
}

void LossModel::takeOptions(const FidelityMetric& metric) {
    std::array<std::map<int, size_t>, kModules.size()> layers;
    for (const auto& [cell, options] : metric.options) {
        if (options.empty() || cell.layer >= config_.layerCount) {
            continue;
        }
        for (const FidelityOption& option : options) {
            requireNumber(option.relativeError, cellName(cell), "a relative error");
        }
        layers.at(static_cast<size_t>(cell.module))[cell.layer] = options_.size();
        options_.push_back(options);
        errors_.emplace_back(options);
        const auto measured = metric.settings.find(cell);
        codecs_.push_back(measured != metric.settings.end() ? measured->second.codec : "");
    }
    for (const Module module : kModules) {
        takeOptions(module, layers.at(static_cast<size_t>(module)));
    }
}

void LossModel::takeOptions(Module module, const std::map<int, size_t>& layers) {
    if (layers.empty()) {
        const std::string name(moduleName(module));
        throw Error("allocation.options",
                    "The report has no measured settings of " + name +
                        " in any layer. Measure the model with `caldera fidelity MODEL --metric "
                        "proxy`.",
                    {{"module", name}});
    }
    for (int layer = 0; layer < config_.layerCount; ++layer) {
        const auto nearest =
            std::min_element(layers.begin(), layers.end(), [&](const auto& a, const auto& b) {
                return std::abs(a.first - layer) < std::abs(b.first - layer);
            });
        CellFacts& facts = cells_[slot({layer, module})];
        facts.options = nearest->second;
        facts.hasOwnOptions = nearest->first == layer;
    }
}

/// Logarithms, by module and layer.
LossModel::LogSensitivities LossModel::measuredSensitivities(const FidelityMetric& metric) const {
    LogSensitivities known;
    for (const auto& [cell, value] : metric.values) {
        requireNumber(value, cellName(cell), "a KL divergence");
        const auto level = metric.errorLevels.find(cell);
        if (level == metric.errorLevels.end() || cell.layer >= config_.layerCount) {
            continue;
        }
        requireNumber(level->second, cellName(cell), "the error level of a KL divergence");
        if (level->second > 0) {
            const double sensitivity = value / (level->second * level->second);
            requireNumber(sensitivity, cellName(cell), "KL divergence over squared error level");
            known.at(static_cast<size_t>(cell.module))[cell.layer] =
                std::log(std::max(sensitivity, kSmallestSensitivity));
        }
    }
    return known;
}

void LossModel::takeSensitivities(const FidelityMetric& metric) {
    const LogSensitivities known = measuredSensitivities(metric);
    double sum = 0;
    int count = 0;
    for (const auto& layers : known) {
        for (const auto& [layer, log] : layers) {
            sum += log;
            ++count;
        }
    }
    hasSensitivities_ = count > 0;
    for (const Module module : kModules) {
        const auto& layers = known.at(static_cast<size_t>(module));
        for (int layer = 0; layer < config_.layerCount; ++layer) {
            CellFacts& facts = cells_[slot({layer, module})];
            if (!layers.empty()) {
                facts.sensitivity = std::exp(atLayer(layers, layer));
                facts.origin = layers.contains(layer) ? SensitivityOrigin::Measured
                                                      : SensitivityOrigin::Interpolated;
            } else if (count > 0) {
                facts.sensitivity = std::exp(sum / count);
                facts.origin = SensitivityOrigin::Interpolated;
            } else {
                facts.sensitivity = kAssumed.at(static_cast<size_t>(module)) / config_.layerCount;
            }
        }
    }
}

void LossModel::takeDeviations(const FidelityMetric& metric) {
    const auto found = metric.details.find(kStandardError);
    if (found == metric.details.end()) {
        return; // measured before errors were
    }
    double errors = 0;
    double values = 0;
    for (const auto& [cell, error] : found->second) {
        requireNumber(error, cellName(cell), "the standard error of a KL divergence");
        if (const auto value = metric.values.find(cell); value != metric.values.end()) {
            errors += error;
            values += value->second;
        }
    }
    relativeDeviation_ = values > 0 ? errors / values : 0;
}

void LossModel::takeTables(const FidelityMetric& metric) {
    for (const TableCost& cost : metric.tables) {
        requireNumber(cost.value, cost.table, "the cost of fewer bits");
        const Table table = cost.table == kHeadTable ? Table::Head : Table::Embeddings;
        tables_[{table, cost.bits}] = cost.value;
    }
}

OptionError LossModel::error(Cell cell, const CellSettings& settings) const {
    const CellFacts& facts = factsOf(cell);
    OptionError error = errors_[facts.options].at(settings.bits, settings.rank);
    const std::string& codec = codecs_[facts.options];
    if (!codec.empty() && codec != settings.codec) {
        error.origin = ErrorOrigin::Extrapolated;
    } else if (!facts.hasOwnOptions && error.origin == ErrorOrigin::Measured) {
        error.origin = ErrorOrigin::Interpolated;
    }
    return error;
}

double LossModel::cellLoss(Cell cell, const CellSettings& settings) const {
    if (settings.skip) {
        return 0;
    }
    const double relative = error(cell, settings).relativeError;
    return sensitivity(cell) * relative * relative;
}

bool LossModel::isMeasured(Table table, int bits) const {
    return bits == 16 || tables_.contains({table, bits});
}

double LossModel::tableLoss(Table table, int bits) const {
    const auto found = tables_.find({table, bits});
    return found == tables_.end() ? 0 : found->second;
}

double LossModel::planLoss(const Plan& plan, const PlanCells& cells) const {
    double loss = tableLoss(Table::Embeddings, plan.embeddingBits);
    if (!config_.tiedEmbeddings) {
        loss += tableLoss(Table::Head, plan.headBits);
    }
    for (int layer = 0; layer < config_.layerCount; ++layer) {
        for (const Module module : kModules) {
            loss += cellLoss({layer, module}, cells.settingsOf({layer, module}));
        }
    }
    return loss;
}

int LossModel::interpolatedCells(const PlanCells& cells) const {
    int count = 0;
    for (int layer = 0; layer < cells.layerCount(); ++layer) {
        for (const Module module : kModules) {
            const Cell cell{layer, module};
            const CellSettings& settings = cells.settingsOf(cell);
            const bool isMeasured = sensitivityOrigin(cell) == SensitivityOrigin::Measured &&
                                    error(cell, settings).origin == ErrorOrigin::Measured;
            count += !settings.skip && !isMeasured ? 1 : 0;
        }
    }
    return count;
}

} // namespace caldera
