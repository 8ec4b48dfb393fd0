// Models and measurements that tests of allocation share.
#pragma once

#include <cmath>
#include <memory>
#include <random>

#include "core/allocation/allocation.h"

namespace caldera {

/// A model of some layers whose cells differ in size.
inline ModelConfig layeredConfig(int layers) {
    ModelConfig config;
    config.architecture = "llama";
    config.hiddenSize = 576;
    config.intermediateSize = 1536;
    config.layerCount = layers;
    config.headCount = 9;
    config.kvHeadCount = 3;
    config.headSize = 64;
    config.vocabSize = 49152;
    config.maxPositions = 8192;
    return config;
}

/// Errors that fall with bits and rank as they do, each cell with a level of its own.
inline std::vector<FidelityOption> plausibleOptions(std::mt19937& random) {
    std::uniform_real_distribution<double> share(0.05, 0.5);
    const double level = 0.2 + share(random);
    const double lowRank = share(random);
    std::vector<FidelityOption> options;
    for (const double bits : {1.5, 2.0, 2.5, 3.0, 4.0}) {
        for (const int rank : {0, 64, 256}) {
            const double gain = 1 - lowRank * std::sqrt(rank / 256.0);
            options.push_back({bits, rank, level * std::exp2(-0.95 * (bits - 1.5)) * gain});
        }
    }
    return options;
}

/// Settings and sensitivities of every cell, and what the tables cost.
inline Report plausibleReport(const ModelConfig& config, unsigned seed) {
    std::mt19937 random(seed);
    std::lognormal_distribution<double> value(-6, 1.2);
    FidelityMetric proxy{"proxy", "", {}};
    FidelityMetric kl{"kl", "", {}};
    for (int layer = 0; layer < config.layerCount; ++layer) {
        for (const Module module : kModules) {
            const Cell cell{layer, module};
            proxy.options[cell] = plausibleOptions(random);
            kl.values[cell] = value(random);
            kl.errorLevels[cell] = 0.15;
        }
    }
    kl.tables = {{kEmbeddingTable, 8, 1e-5},
                 {kEmbeddingTable, 4, 0.01},
                 {kHeadTable, 8, 2e-5},
                 {kHeadTable, 4, 0.02}};
    Report report;
    report.layerCount = config.layerCount;
    report.fidelity = {proxy, kl};
    return report;
}

inline AllocationProblem problemOf(const ModelConfig& config, AllocationTarget target,
                                   unsigned seed = 1) {
    AllocationProblem problem;
    problem.config = config;
    problem.plan = defaultPlan("m", config);
    problem.losses = std::make_shared<LossModel>(plausibleReport(config, seed), config);
    problem.target = target;
    return problem;
}

inline Allocation solved(const AllocationProblem& problem) {
    return solve(problem, {});
}

} // namespace caldera
