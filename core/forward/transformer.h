// The forward pass in LibTorch, f32: what calibration and evaluation run. The runtime has its own
// (core/runtime), and tests hold the two together.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include <torch/types.h>

#include "core/artifact/artifact.h"
#include "core/model/model.h"

namespace caldera {

/// Weights of one decoder block, f32 on one device. Biases may be undefined.
struct BlockWeights {
    torch::Tensor inputNorm, postAttentionNorm;
    std::array<torch::Tensor, 7> weight; ///< by Module, [rows, columns]
    std::array<torch::Tensor, 7> bias;   ///< by Module
};

/// Where a forward pass gets its weights: a model on disk, or an artifact decoded layer by layer.
class TransformerWeights {
public:
    virtual ~TransformerWeights() = default;
    virtual const ModelConfig& config() const = 0;
    virtual BlockWeights block(int layer) const = 0; ///< reads or decodes; call once per pass
    virtual torch::Tensor
    embed(const torch::Tensor& tokens) const = 0; ///< [n, t] -> [n, t, hidden]
    virtual torch::Tensor finalNorm() const = 0;
    virtual torch::Tensor head() const = 0; ///< [vocab, hidden]
};
std::shared_ptr<const TransformerWeights> modelWeights(std::shared_ptr<const Model> model,
                                                       torch::Device device = torch::kCPU);
std::shared_ptr<const TransformerWeights> artifactWeights(std::shared_ptr<const Artifact> artifact,
                                                          torch::Device device = torch::kCPU);

/// Called with the input of each input group: x [tokens, size] f32.
using InputObserver = std::function<void(InputGroup, const torch::Tensor& x)>;

/// hidden [n, t, hidden] -> the same shape. Causal attention inside each of the n sequences.
torch::Tensor blockForward(const ModelConfig& config, const BlockWeights& weights,
                           const torch::Tensor& hidden, const InputObserver& observe = {});

/// Final norm and head: hidden [..., hidden] -> logits [..., vocab].
torch::Tensor logitsOf(const TransformerWeights& weights, const torch::Tensor& hidden);

/// Layer-streaming forward of whole sequences: tokens [n, t] int64 -> hidden [n, t, hidden] after
/// the last block (before the final norm); one block's weights in memory at a time.
torch::Tensor forwardHidden(const TransformerWeights& weights, const torch::Tensor& tokens);

} // namespace caldera
