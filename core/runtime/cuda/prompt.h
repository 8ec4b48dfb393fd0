// Many tokens of one sequence at once through a whole model on a GPU.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <stop_token>

#include "core/model/tokenizer.h"
#include "core/runtime/cuda/device_model.h"
#include "core/runtime/cuda/model_step.h"
#include "kernels/common/cuda_handles.h"
#include "kernels/prompt/attention.h"
#include "kernels/prompt/linear_products.h"

namespace caldera {

/// Weights are decoded a slice at a time and multiplied with all tokens by cuBLAS.
class ModelPrompt {
public:
    /// For at most `tokens` tokens at once. The model, and the memory of the context, live longer.
    /// Throws kernels::KernelError.
    ModelPrompt(const DeviceModel& model, const StepContext& context, int tokens);
    ModelPrompt(const ModelPrompt&) = delete; // its parts refer to one another
    ModelPrompt& operator=(const ModelPrompt&) = delete;

    int tokens() const { return tokens_; }
    /// Appends 1 to tokens() tokens at positions firstPosition ... to the cache of a slot, whose
    /// row of the page table has pages for them, and waits. Makes logits() where they are wanted.
    /// Throws Cancelled, which is looked for at every layer, and kernels::KernelError; the GPU is
    /// at rest then, too.
    void run(std::span<const Token> tokens, int firstPosition, int slot, bool wantsLogits,
             const std::stop_token& cancel);
    /// After the last token [vocab], in the GPU's memory.
    float* logits() const { return logits_.data(); }

private:
    /// Inputs of a group's members, by whether they are rotated.
    using Inputs = std::array<kernels::cuda::PromptVectors, 2>;

    void enter(std::span<const Token> tokens);
    void waitForLayer(int index, const std::stop_token& cancel) const;
    void runLayer(int index, const kernels::cuda::PromptChunk& chunk);
    void attend(int index, const kernels::cuda::PromptChunk& chunk);
    Inputs inputsOf(const kernels::cuda::StepGroup& group, const float* values, int tokens);
    void apply(const kernels::cuda::StepLinear& linear, const Inputs& inputs, int tokens,
               float* values, float* hidden);
    kernels::cuda::PromptGate gateOf(const DeviceLayer& layer) const;
    Inputs gate(const DeviceLayer& layer, int tokens);
    void head(int lastToken);

    const DeviceModel& model_;
    StepContext context_;
    int tokens_;
    float epsilon_;
    kernels::cuda::CudaStreamHandle stream_;
    std::array<kernels::cuda::CudaEventHandle, 2> layerDone_; ///< of the last layers, in turn
    kernels::cuda::PinnedValues<Token> pinnedTokens_;
    kernels::cuda::DeviceMemory<Token> deviceTokens_;
    kernels::cuda::DeviceMemory<float> logits_;
    kernels::cuda::DeviceMemory<float> normed_; ///< the last token's, [hidden]
    kernels::cuda::DeviceMemory<float> hidden_; ///< [tokens, hidden]
    /// Numbers of inputs, plain and rotated, and the scales of their tokens.
    std::array<kernels::cuda::DeviceMemory<uint16_t>, 2> numbers_;
    std::array<kernels::cuda::DeviceMemory<float>, 2> scale_;
    kernels::cuda::DeviceMemory<float> sliceScale_;
    /// Queries, keys and values, or the input of down.
    kernels::cuda::DeviceMemory<uint8_t> wide_;
    /// A tile of decoded weights, or what attention works in.
    kernels::cuda::DeviceMemory<uint8_t> tile_;
    kernels::cuda::MatrixProducts products_;
    kernels::cuda::LinearProducts linears_;
    kernels::cuda::PromptAttention attention_;
};

} // namespace caldera
