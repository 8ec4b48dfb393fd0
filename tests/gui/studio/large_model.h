// A model of 80 layers as the studio sees one after opening and measuring it; no file is behind it.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/plan/rank_step.h"
#include "tests/core/plan/plan_samples.h"
#include "widgets/models/open_facts.h"

namespace caldera::studio {

/// How fragile a cell of the example is: the ends of the model and down_proj more than the rest.
inline double largeFragility(Cell cell, int layers) {
    const double depth = std::abs(2.0 * cell.layer / (layers - 1) - 1);
    return (0.4 + depth * depth) * (1 + 0.15 * static_cast<int>(cell.module));
}

/// Falls with bits and rank as measurements do.
inline double largeError(Cell cell, int layers, double bits, int rank) {
    const double low = 1 - 0.15 * std::min(rank, 256) / 256.0;
    return std::pow(0.52, bits) * low * (0.6 + 0.1 * largeFragility(cell, layers));
}

/// What `caldera fidelity` would leave for a model of this shape.
inline Report largeFidelity(const ModelConfig& config) {
    Report report;
    report.layerCount = config.layerCount;
    report.run = {{"model", "example"}, {"device", "cpu"}};
    FidelityMetric proxy{"proxy", "example", {}};
    FidelityMetric kl{"kl", "example", {}};
    for (int layer = 0; layer < config.layerCount; ++layer) {
        for (const Module module : kModules) {
            const Cell cell{layer, module};
            const MatrixShape shape = config.shapeOf(module);
            for (const double bits : {1.5, 2.0, 2.5, 3.0, 4.0}) {
                for (const int rank : {0, 64, 256}) {
                    if (rank <= largestRank(shape)) {
                        proxy.options[cell].push_back(
                            {bits, rank, largeError(cell, config.layerCount, bits, rank)});
                    }
                }
            }
            proxy.values[cell] = largeError(cell, config.layerCount, 2, 0);
            kl.errorLevels[cell] = 0.1;
            kl.values[cell] = 1e-5 * largeFragility(cell, config.layerCount);
            CellReport measured;
            measured.shape = shape;
            const double largest = 40 + 0.1 * layer + 0.01 * static_cast<int>(module); // of its own
            for (int at = 1; at <= 256; ++at) {
                const auto value = static_cast<float>(largest / std::pow(at, 0.7));
                measured.singularValues.push_back(value);
                measured.hessianSingularValues.push_back(value * 1.5F);
            }
            report.cells[cell] = measured;
            proxy.settings[cell] = kl.settings[cell] = measuredSettings(measured.settings);
        }
    }
    kl.tables = {{kEmbeddingTable, 8, 1e-5},
                 {kEmbeddingTable, 4, 2e-4},
                 {kHeadTable, 8, 2e-5},
                 {kHeadTable, 4, 8e-4}};
    report.fidelity = {proxy, kl};
    return report;
}

/// To be given to Session::show().
inline OpenResult measuredModel(const ModelConfig& config) {
    auto facts = std::make_shared<OpenFacts>();
    facts->name = QStringLiteral("Example-72B");
    facts->path = QStringLiteral("/models/example");
    facts->config = config;
    facts->fingerprint = QStringLiteral("0123456789abcdef");
    facts->plan = defaultPlan("/models/example", config);
    OpenResult result;
    result.facts = facts;
    result.fidelity = std::make_shared<const Report>(largeFidelity(config));
    return result;
}

} // namespace caldera::studio
