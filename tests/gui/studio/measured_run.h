// What a compression of a model would leave behind, with every number that Inspect shows.
#pragma once

#include <cmath>

#include "tests/gui/studio/large_model.h"

namespace caldera::studio {

inline constexpr int kLoudChannel = 5; ///< an input that is much louder than the others
inline constexpr int kWorstRow = 3;

/// `scale` multiplies all errors: another run of the same model.
inline CellReport measuredCell(const ModelConfig& config, Cell cell, double scale) {
    CellReport report;
    report.shape = config.shapeOf(cell.module);
    report.settings.rank = 64;
    const double error = scale * largeError(cell, config.layerCount, 2, 64);
    report.relativeError = error;
    report.proxyError = error * error;
    report.seconds = 2.5 + 0.1 * cell.layer;
    report.bytes = report.shape.size() * 2 / 8;
    report.bitsPerWeight = 2;
    report.history = {
        {0, "LR", 3 * error}, {0, "Q", 1.2 * error}, {1, "LR", 1.1 * error}, {1, "Q", error}};
    for (int at = 1; at <= 256; ++at) {
        const double value = (40 + cell.layer) / std::pow(at, 0.7);
        report.singularValues.push_back(static_cast<float>(value));
        report.hessianSingularValues.push_back(static_cast<float>(1.5 * value / std::sqrt(at)));
        report.residualSingularValues.push_back(static_cast<float>(error * 20 / std::pow(at, 0.1)));
    }
    report.tailEnergy = 0.5;
    report.hessianTailEnergy = 0.04;
    report.residualTailEnergy = 0.8;
    for (int row = 0; row < report.shape.rows; ++row) {
        const double value = error * (1 + 0.3 * std::sin(row * 1.7));
        report.rowError.push_back(static_cast<float>(row == kWorstRow ? 4 * error : value));
    }
    for (int column = 0; column < report.shape.columns; ++column) {
        const bool loud = column == kLoudChannel;
        report.columnError.push_back(static_cast<float>(0.01 * (1 + 0.2 * std::cos(column))));
        report.hessianDiagonal.push_back(
            static_cast<float>(loud ? 60 : 0.6 + 0.3 * std::sin(column * 0.9)));
    }
    return report;
}

inline Report measuredRun(const ModelConfig& config, double scale = 1) {
    Report report;
    report.layerCount = config.layerCount;
    report.run = {{"model", "example"}, {"device", "cpu"}, {"command", "caldera compress example"}};
    for (int layer = 0; layer < config.layerCount; ++layer) {
        for (const Module module : kModules) {
            report.cells[{layer, module}] = measuredCell(config, {layer, module}, scale);
        }
    }
    EvaluationRecord evaluation{"wikitext", {{"perplexity", 8.25}}, {{"text", "wikitext.txt"}}};
    for (int layer = 0; layer < config.layerCount; ++layer) {
        evaluation.layers["hidden_error"].push_back(0.02 * std::sqrt(layer + 1.0));
    }
    report.evaluations = {evaluation};
    return report;
}

} // namespace caldera::studio
