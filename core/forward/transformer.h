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

/// Weights of one decoder block on one device. Biases may be undefined.
struct BlockWeights {
    torch::Tensor inputNorm, postAttentionNorm; ///< f32
    /// By Module, [rows, columns]. All weights and biases are of one type, which is also that of
    /// the products: f32, or bf16 where calibration runs on a GPU (docs/decisions/0042).
    std::array<torch::Tensor, 7> weight;
    std::array<torch::Tensor, 7> bias; ///< by Module
};

/// Where a forward pass gets its weights: a model on disk, or an artifact decoded layer by layer.
class TransformerWeights {
public:
    virtual ~TransformerWeights() = default;
    virtual const ModelConfig& config() const = 0;
    /// Reads or decodes; call once per pass.
    virtual BlockWeights block(int layer) const = 0;
    /// tokens [n, t] int64 -> [n, t, hidden]. Reads only the rows that occur.
    virtual torch::Tensor embed(const torch::Tensor& tokens) const = 0;
    virtual torch::Tensor finalNorm() const = 0; ///< [hidden]
    virtual torch::Tensor head() const = 0;      ///< [vocab, hidden]; reads or decodes
};
std::shared_ptr<const TransformerWeights> modelWeights(std::shared_ptr<const Model> model,
                                                       torch::Device device = torch::kCPU);
std::shared_ptr<const TransformerWeights> artifactWeights(std::shared_ptr<const Artifact> artifact,
                                                          torch::Device device = torch::kCPU);

/// x [..., size] at a root mean square of 1, times weight [size].
torch::Tensor rmsNorm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon);

/// Called with the input of each input group: x [tokens, size], of the weights' type.
using InputObserver = std::function<void(InputGroup, const torch::Tensor& x)>;

/// Sequences of `length` tokens that pass through a block together (about 4096 tokens), so that
/// memory stays bounded whatever n is.
int64_t sequencesPerSlice(int64_t length);

/// Replaces hidden [n, t, hidden] by the block's output, slice by slice. Causal attention inside
/// each of the n sequences. `hidden` may lie on another device than the weights. What `observe`
/// throws passes through and leaves `hidden` half replaced.
void applyBlock(const ModelConfig& config, const BlockWeights& weights, torch::Tensor& hidden,
                const InputObserver& observe = {});

/// The same into a new tensor.
torch::Tensor blockForward(const ModelConfig& config, const BlockWeights& weights,
                           const torch::Tensor& hidden, const InputObserver& observe = {});

/// hidden [..., hidden] -> logits [..., vocab] with the final norm [hidden] and head [vocab,
/// hidden] at hand.
torch::Tensor logitsOf(const ModelConfig& config, const torch::Tensor& finalNorm,
                       const torch::Tensor& head, const torch::Tensor& hidden);

/// The same, reading both: for small calls.
torch::Tensor logitsOf(const TransformerWeights& weights, const torch::Tensor& hidden);

/// Layer-streaming forward of whole sequences: tokens [n, t] int64 -> hidden [n, t, hidden] after
/// the last block (before the final norm); one block's weights in memory at a time.
torch::Tensor forwardHidden(const TransformerWeights& weights, const torch::Tensor& tokens);

} // namespace caldera
