// A forward pass's weights from an artifact, decoded layer by layer.
#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/artifact/table_codes.h"
#include "core/codec/codec_tables.h"
#include "core/forward/decode_cell.h"
#include "core/forward/token_rows.h"
#include "core/forward/transformer.h"

namespace caldera {

namespace {

/// The whole table, [rows, columns] f32.
torch::Tensor decodeTable(const ArtifactTable& table) {
    const auto [rows, columns] = table.shape;
    torch::Tensor values = at::empty({rows, columns}, at::kFloat);
    auto* out = values.data_ptr<float>();
    at::parallel_for(0, rows, 64, [&](int64_t first, int64_t end) {
        for (int64_t row = first; row < end; ++row) {
            decodeTableRow(table, row, out + row * table.shape.columns);
        }
    });
    return values;
}

class ArtifactWeights : public TransformerWeights {
public:
    ArtifactWeights(std::shared_ptr<const Artifact> artifact, torch::Device device)
        : artifact_(std::move(artifact)), device_(device) {}

    const ModelConfig& config() const override { return artifact_->config(); }

    BlockWeights block(int layer) const override {
        const std::string prefix = "model.layers." + std::to_string(layer) + ".";
        BlockWeights weights;
        weights.inputNorm = norm(prefix + "input_layernorm.weight");
        weights.postAttentionNorm = norm(prefix + "post_attention_layernorm.weight");
        for (const Module module : kModules) {
            const auto index = static_cast<size_t>(module);
            const ArtifactCell cell = artifact_->cell({layer, module});
            weights.weight[index] = decodeCell(cell, device_);
            if (!cell.bias.empty()) {
                weights.bias[index] = at::tensor(cell.bias, at::kFloat).to(device_);
            }
        }
        return weights;
    }

    torch::Tensor embed(const torch::Tensor& tokens) const override {
        const ArtifactTable table = artifact_->embedding();
        return embedRows(tokens, config(),
                         [&](int64_t token, std::span<float> out) {
                             decodeTableRow(table, token, out.data());
                         })
            .to(device_);
    }

    torch::Tensor finalNorm() const override { return norm("model.norm.weight"); }
    torch::Tensor head() const override { return decodeTable(artifact_->head()).to(device_); }

private:
    torch::Tensor norm(const std::string& name) const {
        return at::tensor(artifact_->norm(name), at::kFloat).to(device_);
    }

    std::shared_ptr<const Artifact> artifact_;
    torch::Device device_;
};

} // namespace

std::shared_ptr<const TransformerWeights> artifactWeights(std::shared_ptr<const Artifact> artifact,
                                                          torch::Device device) {
    checkCodecTables(artifact->codecTables(), artifact->name());
    return std::make_shared<ArtifactWeights>(std::move(artifact), device);
}

} // namespace caldera
