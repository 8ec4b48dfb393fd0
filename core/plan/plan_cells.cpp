#include "core/plan/plan_cells.h"

#include <array>
#include <utility>

#include "core/base/glob.h"
#include "core/plan/packing.h"

namespace caldera {

namespace {

constexpr int64_t kHalfBytes = 2;
constexpr int64_t kFloatBytes = 4;

int64_t tableBytes(const ModelConfig& config, int bits) {
    return config.vocabSize * tableRow(bits, config.hiddenSize).bytes();
}

} // namespace

std::vector<Cell> allCells(int layers) {
    std::vector<Cell> cells;
    cells.reserve(static_cast<size_t>(layers) * kModules.size());
    for (int layer = 0; layer < layers; ++layer) {
        for (const Module module : kModules) {
            cells.push_back({layer, module});
        }
    }
    return cells;
}

CellSettings inheritedSettings(const Plan& plan, Cell cell) {
    CellSettings settings = plan.defaults;
    if (plan.skipLayers.empty() && plan.patternOverrides.empty()) {
        return settings;
    }
    const std::string name = cellName(cell);
    for (const std::string& pattern : plan.skipLayers) {
        settings.skip = settings.skip || matchesGlob(pattern, name);
    }
    for (const auto& [pattern, override] : plan.patternOverrides) {
        if (matchesGlob(pattern, name)) {
            override.applyTo(settings);
        }
    }
    return settings;
}

PlanCells::PlanCells(const Plan& plan, const ModelConfig& config)
    : config_(config), settings_(static_cast<size_t>(config.cellCount())),
      bytes_(settings_.size(), -1) {
    follow(plan);
}

std::vector<Cell> PlanCells::follow(const Plan& plan) {
    std::vector<CellSettings> settings;
    settings.reserve(settings_.size());
    for (const Cell cell : allCells(layerCount())) {
        settings.push_back(inheritedSettings(plan, cell));
    }
    for (const auto& [name, override] : plan.layerOverrides) {
        const auto cell = parseCellName(name);
        if (cell && cell->layer < layerCount()) {
            override.applyTo(settings[slot(*cell)]);
        }
    }
    std::vector<Cell> changed;
    for (const Cell cell : allCells(layerCount())) {
        const size_t at = slot(cell);
        if (bytes_[at] < 0 || settings[at] != settings_[at]) {
            bytes_[at] = cellBytes(settings[at], config_.shapeOf(cell.module));
            changed.push_back(cell);
        }
    }
    settings_ = std::move(settings);
    count(plan);
    return changed;
}

void PlanCells::count(const Plan& plan) {
    size_ = PlanSize();
    int64_t weights = 0;
    for (int layer = 0; layer < layerCount(); ++layer) {
        std::array<bool, kInputGroups.size()> compressed{};
        for (const Module module : kModules) {
            const MatrixShape shape = config_.shapeOf(module);
            const InputGroup group = inputGroupOf(module);
            size_.cellBytes += bytesOf({layer, module});
            weights += shape.size();
            compressed.at(static_cast<size_t>(group)) |= !settingsOf({layer, module}).skip;
            const bool hasBias = config_.attentionBias && group == InputGroup::Qkv;
            size_.otherBytes += hasBias ? shape.rows * kFloatBytes : 0;
        }
        for (const InputGroup group : kInputGroups) {
            if (compressed.at(static_cast<size_t>(group))) {
                size_.cellBytes += config_.inputSize(group) * kHalfBytes;
            }
        }
    }
    size_.otherBytes += (2 * int64_t{layerCount()} + 1) * config_.hiddenSize * kFloatBytes;
    size_.embeddingBytes = tableBytes(config_, plan.embeddingBits);
    if (!config_.tiedEmbeddings) {
        size_.embeddingBytes += tableBytes(config_, plan.headBits);
    }
    size_.bitsPerWeight =
        weights > 0 ? 8 * static_cast<double>(size_.cellBytes) / static_cast<double>(weights) : 0;
}

} // namespace caldera
