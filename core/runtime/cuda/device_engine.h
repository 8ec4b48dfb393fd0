// A model on a GPU with everything that computes its tokens: cache, pages, angles, steps, prompts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>

#include "core/runtime/cuda/device_cache.h"
#include "core/runtime/cuda/device_model.h"
#include "core/runtime/cuda/model_step.h"
#include "core/runtime/cuda/prompt.h"
#include "core/runtime/page_table.h"
#include "core/runtime/rope.h"

namespace caldera {

struct DeviceEngineShape {
    int contextLength = 0;  ///< tokens of one sequence
    int slots = 1;          ///< sequences
    int64_t poolTokens = 0; ///< that all of them may hold, in whole pages
    int cacheBits = 16;
    int activationBits = 8;
};

/// Cosines and sines [context, headSize / 2] in the GPU's memory.
struct DeviceAngles {
    kernels::cuda::DeviceMemory<float> cosines;
    kernels::cuda::DeviceMemory<float> sines;

    /// Throws kernels::KernelError.
    explicit DeviceAngles(const RotaryEmbedding& angles)
        : cosines(std::span<const float>(angles.cosines())),
          sines(std::span<const float>(angles.sines())) {}
};

class DeviceEngine {
public:
    /// Throws kernels::KernelError.
    DeviceEngine(DeviceModel model, const DeviceEngineShape& shape);
    DeviceEngine(const DeviceEngine&) = delete; // its parts refer to one another
    DeviceEngine& operator=(const DeviceEngine&) = delete;

    const DeviceModel& model() const { return model_; }
    /// Tokens that one step takes at most.
    int stepWidth() const { return several_ ? several_->sequences() : one_.sequences(); }
    /// The step that takes so many.
    ModelStep& stepFor(int tokens) { return tokens > 1 ? *several_ : one_; }
    /// Runs and waits. Returns logits [tokens][vocab] in the GPU's memory, made where they are
    /// wanted.
    float* step(const kernels::StepState& state, bool wantsLogits);
    /// Tokens that follow the `before` ones of a slot, which has room for them, at most prompt()'s:
    /// by steps where those are faster. Returns the last one's logits [vocab], in the GPU's memory,
    /// made where they are wanted. Throws kernels::KernelError and Cancelled.
    float* append(std::span<const Token> tokens, int before, int slot, bool wantsLogits,
                  const std::stop_token& cancel);
    ModelPrompt& prompt() { return prompt_; }
    const ModelPrompt& prompt() const { return prompt_; }
    /// Pages for `length` tokens of a slot, known to the GPU when it returns. Throws
    /// kernels::KernelError.
    void makeRoom(int slot, int length);
    /// Gives back the pages at and after `length` tokens.
    void shrink(int slot, int length) noexcept { table_.shrink(slot, length); }

private:
    StepContext context() const;
    /// Tokens that may follow one another in a step.
    int followingTokens() const { return several_ ? several_->followingTokens() : 1; }
    float* appendInSteps(std::span<const Token> tokens, int before, int slot, bool wantsLogits,
                         const std::stop_token& cancel);

    DeviceModel model_;
    DeviceCache cache_;
    PageTable table_;
    kernels::cuda::DeviceMemory<int32_t> deviceTable_;
    DeviceAngles angles_;
    ModelStep one_;
    std::optional<ModelStep> several_; ///< where a step may take more than one
    ModelPrompt prompt_;
};

} // namespace caldera
