// One step of a whole model on a GPU: a token for each of a few sequences, to logits.
#pragma once

#include <cstdint>
#include <vector>

#include "core/runtime/cuda/device_cache.h"
#include "core/runtime/cuda/device_model.h"
#include "kernels/common/cuda_handles.h"

namespace caldera {

/// Where sequences keep their keys and values, and the angles of their positions.
struct StepContext {
    const DeviceCache& cache;
    const int32_t* pages; ///< the page table, in the GPU's memory
    int tableWidth;       ///< pages of a row of it
    const float* cosines; ///< [context, headSize / 2], in the GPU's memory
    const float* sines;   ///< likewise

    /// Attention of a layer over these places; queries, keys and values are not rotated yet.
    kernels::AttendPhase attention(const ModelConfig& config, int layer, const float* queries,
                                   const float* keys, const float* values) const;
};

/// A CUDA graph of the step is made once and replayed. Products are shared out over the GPU for one
/// token or for several, so a step is made for the one or the other.
class ModelStep {
public:
    /// For one token, or for 2 to `sequences` together. Throws kernels::KernelError.
    ModelStep(const DeviceModel& model, const StepContext& context, int sequences,
              int activationBits);

    int sequences() const { return program_.sequences(); }
    /// Tokens that may follow one another in a sequence.
    int followingTokens() const { return followingTokens_; }
    /// Runs and waits. Makes logits() where they are wanted.
    void run(const kernels::StepState& state, bool wantsLogits);
    /// Of the last run [its tokens][vocab], in the GPU's memory.
    float* logits() const { return logits_; }
    /// Microseconds of a replay with this state, the median of `replays`.
    double microseconds(const kernels::StepState& state, int replays);
    /// Microseconds that each kind of phase takes in a step, waiting included, by
    /// kernels::PhaseKind, at the clock that the whole step takes `microseconds()` at.
    std::vector<double> phaseMicroseconds(const kernels::StepState& state);

private:
    void addLayer(const DeviceModel& model, int index, const StepContext& context);
    void addAttention(const DeviceModel& model, int index, const StepContext& context,
                      const kernels::StepInput& next);
    void addHead(const DeviceModel& model);
    /// The step up to a phase.
    kernels::cuda::CudaGraphHandle capture(int phaseCount);
    void launch(const kernels::StepState& state, bool wantsLogits);

    ModelConfig config_;
    kernels::cuda::StepProgram program_;
    int bodyPhases_ = 0; ///< all but the head's
    int followingTokens_ = 1;
    float* hidden_ = nullptr;
    float* queries_ = nullptr;
    float* keys_ = nullptr;
    float* values_ = nullptr;
    kernels::AttentionParts parts_;
    kernels::StepInput input_; ///< of the group that comes next
    float* logits_ = nullptr;
    kernels::cuda::DeviceMemory<kernels::StepState> state_;
    kernels::cuda::PinnedValues<kernels::StepState> pinnedState_;
    kernels::cuda::CudaStreamHandle stream_;
    kernels::cuda::CudaGraphHandle whole_;
    kernels::cuda::CudaGraphHandle body_;
};

} // namespace caldera
