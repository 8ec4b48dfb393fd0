// A forward pass's weights from a model on disk.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/forward/token_rows.h"
#include "core/forward/transformer.h"

namespace caldera {

namespace {

/// Rows that one thread reads at a time.
constexpr int64_t kRowsPerTask = 64;

class ModelWeights : public TransformerWeights {
public:
    ModelWeights(std::shared_ptr<const Model> model, torch::Device device)
        : model_(std::move(model)), device_(device) {}

    const ModelConfig& config() const override { return model_->config; }

    BlockWeights block(int layer) const override {
        const std::string prefix = "model.layers." + std::to_string(layer) + ".";
        BlockWeights weights;
        weights.inputNorm = vector(prefix + "input_layernorm.weight");
        weights.postAttentionNorm = vector(prefix + "post_attention_layernorm.weight");
        for (const Module module : kModules) {
            const auto index = static_cast<size_t>(module);
            const std::string name = cellName({layer, module});
            weights.weight[index] = matrix(name + ".weight", config().shapeOf(module));
            if (model_->weights->find(name + ".bias") != nullptr) {
                weights.bias[index] = vector(name + ".bias");
            }
        }
        return weights;
    }

    torch::Tensor embed(const torch::Tensor& tokens) const override {
        return embedRows(tokens, config(),
                         [&](int64_t token, std::span<float> out) {
                             model_->weights->readRows("model.embed_tokens.weight", token, 1, out);
                         })
            .to(device_);
    }

    torch::Tensor finalNorm() const override { return vector("model.norm.weight"); }

    torch::Tensor head() const override {
        return matrix(config().tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight",
                      {config().vocabSize, config().hiddenSize});
    }

private:
    torch::Tensor vector(const std::string& name) const {
        const std::vector<float> values = model_->weights->read(name);
        return at::tensor(values, at::kFloat).to(device_);
    }

    torch::Tensor matrix(const std::string& name, MatrixShape shape) const {
        torch::Tensor values = at::empty({shape.rows, shape.columns}, at::kFloat);
        float* data = values.data_ptr<float>();
        const int64_t tasks = (shape.rows + kRowsPerTask - 1) / kRowsPerTask;
        at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
            const int64_t first = begin * kRowsPerTask;
            const int64_t count = std::min(end * kRowsPerTask, shape.rows) - first;
            model_->weights->readRows(
                name, first, count,
                {data + first * shape.columns, static_cast<size_t>(count * shape.columns)});
        });
        return values.to(device_); // [rows, columns]
    }

    std::shared_ptr<const Model> model_;
    torch::Device device_;
};

} // namespace

std::shared_ptr<const TransformerWeights> modelWeights(std::shared_ptr<const Model> model,
                                                       torch::Device device) {
    return std::make_shared<ModelWeights>(std::move(model), device);
}

} // namespace caldera
