#include "widgets/models/plan_clipboard.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/plan/plan_cells.h"

namespace caldera::studio {

namespace {

// The part of a plan file that cells are copied as. It can be pasted into such a file.
constexpr std::string_view kSection = "caldera:\n";
constexpr std::string_view kBegin = "  layer_overrides:";
constexpr std::string_view kEnd = "  pattern_overrides:";
const char* const kPlace = "the clipboard";
constexpr qsizetype kLongestText = 1 << 20; ///< parsed in a second; a long plan has a twentieth

CellOverride overrideOf(const CellSettings& settings) {
    CellOverride entry;
    entry.bits = settings.bits;
    entry.rank = settings.rank;
    entry.codec = settings.codec;
    entry.skip = settings.skip;
    return entry;
}

CellEdit editOf(const CellOverride& entry) {
    return {entry.bits, entry.rank, entry.codec, entry.locked, entry.skip};
}

/// Smallest layer and module.
Cell cornerOf(const std::vector<Cell>& cells) {
    Cell corner = cells.front();
    for (const Cell cell : cells) {
        corner.layer = std::min(corner.layer, cell.layer);
        corner.module = std::min(corner.module, cell.module);
    }
    return corner;
}

std::vector<Cell> cellsOf(const CellEdits& edits) {
    std::vector<Cell> cells;
    cells.reserve(edits.size());
    for (const auto& [cell, edit] : edits) {
        cells.push_back(cell);
    }
    return cells;
}

} // namespace

QString cellsText(const PlanCells& plan, const std::vector<Cell>& cells) {
    Plan holder;
    for (const Cell cell : cells) {
        holder.layerOverrides.emplace_back(cellName(cell), overrideOf(plan.settingsOf(cell)));
    }
    const std::string text = printPlan(holder);
    const size_t from = text.find(kBegin);
    return QString::fromStdString(std::string(kSection) +
                                  text.substr(from, text.find(kEnd) - from));
}

PastedSettings parsePasted(const QString& text) {
    if (text.size() > kLongestText) {
        const std::string came = byteText(static_cast<uint64_t>(text.size()));
        const std::string most = byteText(kLongestText);
        throw Error("plan.paste",
                    "The clipboard holds " + came + " of text, and a plan that is pasted has at " +
                        "most " + most +
                        " (of 80 layers, every cell by name, about 50 kB). Copy "
                        "a plan, or cells of the heatmap, first, or open a file of it.",
                    {{"came", came}, {"most", most}});
    }
    const std::string yaml = text.toStdString();
    PastedSettings pasted;
    if (yaml.starts_with(std::string(kSection) + std::string(kBegin))) {
        const Plan holder = parsePlan("format: caldera-plan/1\n" + yaml, kPlace);
        for (const auto& [name, entry] : holder.layerOverrides) {
            if (const auto cell = parseCellName(name)) {
                pasted.cells.emplace_back(*cell, editOf(entry));
            }
        }
        return pasted;
    }
    if (yaml.find(kSection) == std::string::npos) {
        throw Error("plan.paste", "The clipboard holds no plan and no settings of cells. Copy "
                                  "cells of the heatmap, or the text of a plan, first.");
    }
    pasted.plan = parsePlan(yaml, kPlace);
    return pasted;
}

CellEdits placedEdits(const CellEdits& copied, const std::vector<Cell>& targets, int layers) {
    if (copied.empty() || targets.empty()) {
        return {};
    }
    if (copied.size() == 1) {
        return editsOf(targets, copied.front().second);
    }
    const Cell from = cornerOf(cellsOf(copied));
    const Cell to = cornerOf(targets);
    const int down = static_cast<int>(to.module) - static_cast<int>(from.module);
    CellEdits placed;
    for (const auto& [cell, edit] : copied) {
        const int layer = cell.layer + to.layer - from.layer;
        const int row = static_cast<int>(cell.module) + down;
        if (layer >= 0 && layer < layers && row >= 0 && row < static_cast<int>(kModules.size())) {
            placed.emplace_back(Cell{layer, kModules.at(static_cast<size_t>(row))}, edit);
        }
    }
    return placed;
}

} // namespace caldera::studio
