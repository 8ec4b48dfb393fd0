// A tiny model with made-up weights, and finished cells with made-up codes.
#pragma once

#include <cmath>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/artifact/artifact.h"
#include "core/base/json_text.h"
#include "core/plan/packing.h"
#include "tests/support/random_codes.h"

namespace caldera {

inline ModelConfig tinyConfig() {
    ModelConfig config;
    config.architecture = "qwen2";
    config.hiddenSize = 40;
    config.intermediateSize = 72;
    config.layerCount = 2;
    config.headCount = 4;
    config.kvHeadCount = 2;
    config.headSize = 10;
    config.vocabSize = 30;
    config.maxPositions = 64;
    config.attentionBias = true;
    config.eosTokens = {1};
    return config;
}

/// Any tensor that is asked for exists, but biases of other modules than q, k and v; its values
/// follow from its name.
class MadeUpWeights final : public WeightSource {
public:
    explicit MadeUpWeights(const ModelConfig& config) : config_(config) {}
    const std::vector<TensorInfo>& tensors() const override { return none_; }
    const TensorInfo* find(const std::string& name) const override {
        if (name.ends_with(".bias") && !name.ends_with("q_proj.bias") &&
            !name.ends_with("k_proj.bias") && !name.ends_with("v_proj.bias")) {
            return nullptr;
        }
        TensorInfo& info = found_[name];
        info.name = name;
        info.dtype = "F32";
        info.shape = {columnsOf(name)};
        return &info;
    }
    void readRows(const std::string& name, int64_t first, int64_t /*count*/,
                  std::span<float> out) const override {
        const auto seed = static_cast<double>(std::hash<std::string>()(name) % 1000);
        const int64_t offset = first * columnsOf(name);
        for (size_t i = 0; i < out.size(); ++i) {
            out[i] = static_cast<float>(std::sin(seed + 0.37 * static_cast<double>(i + offset)));
        }
    }

private:
    int64_t columnsOf(const std::string& name) const {
        if (name.find("down_proj") != std::string::npos) {
            return config_.intermediateSize;
        }
        return name.ends_with("k_proj.bias") || name.ends_with("v_proj.bias")
                   ? config_.shapeOf(Module::KProj).rows
                   : config_.hiddenSize;
    }

    ModelConfig config_;
    std::vector<TensorInfo> none_;
    mutable std::map<std::string, TensorInfo> found_;
};

inline std::shared_ptr<const Model> tinyModel(const ModelConfig& config = tinyConfig()) {
    auto model = std::make_shared<Model>();
    model->name = "tiny";
    model->config = config;
    model->weights = std::make_shared<MadeUpWeights>(config);
    const auto tokenizer =
        std::filesystem::path(CALDERA_SOURCE_DIR) / "resources/demo-model/tokenizer.json";
    model->tokenizer = Tokenizer::fromJson(readJsonFile(tokenizer, "test"), tokenizer.string());
    model->chat = {ChatFormat::ChatMl, "You are small."};
    model->fingerprint = std::string(64, 'f');
    return model;
}

/// Rank 16 but for one rank-0 cell; one skipped cell, and o_proj of layer 1 skipped as a group.
inline Plan tinyPlan() {
    Plan plan;
    plan.model = "tiny";
    plan.defaults.codec = "e8p";
    plan.defaults.rank = 16;
    plan.headBits = 8;
    CellOverride noRank;
    noRank.rank = 0;
    plan.layerOverrides = {{"model.layers.0.self_attn.k_proj", noRank}};
    plan.skipLayers = {"model.layers.0.mlp.up_proj", "model.layers.1.self_attn.o_proj"};
    return plan;
}

inline CompressedCell madeUpCell(Cell cell, const Plan& plan, const ModelConfig& config) {
    const CellSettings settings = plan.settingsOf(cell);
    const MatrixShape shape = config.shapeOf(cell.module);
    std::mt19937 random(static_cast<unsigned>(cell.layer * 7 + static_cast<int>(cell.module)));
    const auto matrix = [&](const std::string& codec, MatrixShape size, int64_t bytes,
                            int64_t scales) {
        return PackedMatrix{codec, size, test::randomBytes(bytes, random),
                            std::vector<uint16_t>(static_cast<size_t>(scales), 0x3C00)};
    };
    CompressedCell made;
    made.cell = cell;
    const int rank = settings.rank;
    made.q = matrix(settings.codecId(), shape, matrixCodes(settings, shape).bytes(),
                    padTo(shape.rows, kRowGroup) / kRowGroup);
    made.l = matrix(settings.leftCodecId(), {shape.rows, rank}, leftCodes(settings, shape).bytes(),
                    rank);
    made.r = matrix(settings.rightCodecId(), {rank, shape.columns},
                    rightCodes(settings, shape).bytes(), rank);
    made.outSign = test::randomSigns(shape.rows, random);
    std::mt19937 groupRandom(static_cast<unsigned>(inputGroupOf(cell.module)));
    made.inSign = test::randomSigns(shape.columns, groupRandom);
    made.report.settings = settings;
    made.report.shape = shape;
    made.report.relativeError = 0.125;
    made.report.history = {{0, "LR", 0.5}, {0, "Q", 0.125}};
    made.report.rowError = {1.5F, 2.5F};
    made.report.singularValues = {3.0F, 2.0F, 1.0F};
    return made;
}

inline ArtifactRequest tinyRequest(const std::filesystem::path& folder,
                                   const ModelConfig& config = tinyConfig()) {
    ArtifactRequest request;
    request.model = tinyModel(config);
    request.plan = tinyPlan();
    request.folder = folder;
    request.load = [config, plan = request.plan](Cell cell) {
        return madeUpCell(cell, plan, config);
    };
    request.codecTables = {{"e8p-2", std::string(64, 'a')}, {"lloyd-4", std::string(64, 'b')}};
    return request;
}

} // namespace caldera
