// Plans and a model configuration that several tests use.
#pragma once

#include "core/plan/plan.h"

namespace caldera {

inline CellOverride rankOverride(int rank) {
    CellOverride override;
    override.rank = rank;
    return override;
}

/// Every key differs from its default somewhere.
inline Plan richPlan() {
    Plan plan;
    plan.model = "Qwen/Qwen2-0.5B";
    plan.calibration = {"texts/my calibration.txt", 65536, 1024, 7};
    plan.defaults.bits = 2.5;
    plan.defaults.damping = 0.1;
    plan.defaults.seed = 18446744073709551615U;
    plan.defaults.hessianDowndate = true;
    plan.defaults.updateOrder = "Q,LR";
    plan.defaults.skip = true;
    plan.skipLayers = {"model.layers.0.*", "*.k_proj"};
    CellOverride every;
    every.bits = 4;
    every.leftBits = 16;
    every.rightBits = 16;
    every.damping = 1e-5;
    every.rank = 0;
    every.outerIterations = 1;
    every.innerIterations = 0;
    every.codec = "e8p";
    every.factorCodec = "none";
    every.transform = "none";
    every.updateOrder = "LR,Q";
    every.lowRankStart = "outliers";
    every.activationAware = "LR";
    every.hessianDowndate = false;
    every.locked = true;
    every.skip = false;
    every.seed = 3;
    CellOverride skip;
    skip.skip = true;
    plan.layerOverrides = {{"model.layers.1.self_attn.q_proj", every},
                           {"model.layers.1.mlp.down_proj", skip}};
    plan.patternOverrides = {{"*.up_proj", rankOverride(96)}, {"model.layers.1?.*", {}}};
    plan.embeddingBits = 8;
    plan.headBits = 8;
    return plan;
}

/// Two layers of 576 x 1536 with biases and an untied head.
inline ModelConfig smallConfig() {
    ModelConfig config;
    config.architecture = "qwen2";
    config.hiddenSize = 576;
    config.intermediateSize = 1536;
    config.layerCount = 2;
    config.headCount = 9;
    config.kvHeadCount = 3;
    config.headSize = 64;
    config.vocabSize = 1000;
    config.maxPositions = 4096;
    config.attentionBias = true;
    return config;
}

/// Qwen2-72B's shape.
inline ModelConfig seventyTwo() {
    ModelConfig config;
    config.architecture = "qwen2";
    config.hiddenSize = 8192;
    config.intermediateSize = 29568;
    config.layerCount = 80;
    config.headCount = 64;
    config.kvHeadCount = 8;
    config.headSize = 128;
    config.vocabSize = 152064;
    config.maxPositions = 32768;
    config.attentionBias = true;
    return config;
}

} // namespace caldera
