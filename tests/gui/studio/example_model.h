// A small configuration and a measured report to show.
#pragma once

#include "core/model/config.h"
#include "core/report/report.h"

namespace caldera::studio {

inline ModelConfig exampleConfig(int layers = 4) {
    ModelConfig config;
    config.architecture = "qwen2";
    config.hiddenSize = 192;
    config.intermediateSize = 512;
    config.layerCount = layers;
    config.headCount = 3;
    config.kvHeadCount = 1;
    config.headSize = 64;
    config.vocabSize = 2048;
    config.maxPositions = 2048;
    config.tiedEmbeddings = true;
    config.attentionBias = true;
    return config;
}

/// Errors grow with layer and module, so every value is known.
inline double exampleError(Cell cell) {
    return 0.05 + 0.01 * cell.layer + 0.001 * static_cast<int>(cell.module);
}

inline Report exampleReport(int layers = 4) {
    Report report;
    report.layerCount = layers;
    report.run = {{"model", "example"}, {"device", "cpu"}};
    const ModelConfig config = exampleConfig(layers);
    for (int layer = 0; layer < layers; ++layer) {
        for (const Module module : kModules) {
            const Cell cell{layer, module};
            CellReport measured;
            measured.shape = config.shapeOf(module);
            measured.settings.rank = 16;
            measured.relativeError = exampleError(cell);
            measured.proxyError = measured.relativeError * measured.relativeError;
            measured.bytes = 1000;
            measured.bitsPerWeight = 2.4;
            measured.history = {{0, "LR", 0.2}, {0, "Q", measured.relativeError}};
            measured.singularValues = {4, 2, 1, 0.5F};
            measured.hessianSingularValues = {8, 2, 0.5F, 0.1F};
            measured.residualSingularValues = {0.4F, 0.3F, 0.2F, 0.1F};
            report.cells[cell] = measured;
        }
    }
    return report;
}

} // namespace caldera::studio
