#include "core/runtime/cuda_backend.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/plan/gpu_memory.h"
#include "core/runtime/cuda/device_cache.h"
#include "core/runtime/cuda/device_model.h"
#include "core/runtime/cuda/model_step.h"
#include "core/runtime/cuda/page_table.h"
#include "core/runtime/cuda/prompt.h"
#include "core/runtime/gpu_pool.h"
#include "core/runtime/rope.h"
#include "kernels/common/device.h"
#include "kernels/common/kernel_error.h"

namespace caldera {

namespace {

using kernels::cuda::freeDeviceBytes;

/// So few tokens are faster one after another, and more exact.
constexpr int kFewTokens = 8;

int pagesFor(int64_t tokens) {
    return static_cast<int>(usedTokens(tokens) / kPageTokens);
}

/// Runs what may fail on the GPU; says what to do when it does.
template <class Work>
auto onGpu(const std::string& doing, const Work& work) {
    try {
        return work();
    } catch (const kernels::KernelError& error) {
        throw Error("engine.gpu",
                    doing + " failed: " + error.what() +
                        " Start the engine again; if that does not help, --device cpu runs it "
                        "without the GPU.",
                    {{"reason", error.what()}});
    }
}

class CudaBackend : public Backend {
public:
    CudaBackend(std::shared_ptr<const Artifact> artifact, const EngineSettings& settings,
                int64_t poolTokens, const RotaryEmbedding& angles)
        : artifact_(std::move(artifact)), contextLength_(settings.contextLength),
          poolTokens_(poolTokens), freeBefore_(freeDeviceBytes()),
          model_(loadDeviceModel(*artifact_)),
          cache_(artifact_->config(), pagesFor(poolTokens), settings.cacheBits),
          cacheTokenBytes_(gpuCacheTokenBytes(artifact_->config(), settings.cacheBits)),
          table_(settings.chats, pagesFor(settings.contextLength), pagesFor(poolTokens)),
          deviceTable_(std::span<const int32_t>(table_.entries())),
          cosines_(std::span<const float>(angles.cosines())),
          sines_(std::span<const float>(angles.sines())),
          step_(model_,
                {cache_, deviceTable_.data(), table_.width(), cosines_.data(), sines_.data()},
                std::min(settings.chats, kernels::kStepSequences),
                settings.activationBits == 0 ? kGpuActivationBits : settings.activationBits),
          prompt_(model_,
                  {cache_, deviceTable_.data(), table_.width(), cosines_.data(), sines_.data()},
                  std::min(ModelPrompt::kMostTokens, settings.contextLength)),
          lengths_(static_cast<size_t>(settings.chats)),
          deviceBytes_(freeBefore_ - freeDeviceBytes()) {}

    const Artifact& artifact() const override { return *artifact_; }
    int contextLength() const override { return contextLength_; }
    int slots() const override { return static_cast<int>(lengths_.size()); }
    int64_t poolTokens() const override { return poolTokens_; }
    int promptBatch() const override { return prompt_.tokens(); }
    BackendMemory memory() const override {
        return {model_.arena.bytes(), cacheTokenBytes_, deviceBytes_};
    }
    int length(int slot) const override { return lengths_[static_cast<size_t>(slot)]; }
    void truncate(int slot, int length) noexcept override {
        lengths_[static_cast<size_t>(slot)] = length;
        table_.shrink(slot, length);
    }
    std::span<const float> append(int slot, std::span<const Token> tokens, bool wantsLogits,
                                  const std::stop_token& cancel) override;
    std::span<const float> step(std::span<const Next> next) override;

private:
    void makeRoom(int slot, int length);
    std::span<const float> appendOneByOne(int slot, std::span<const Token> tokens,
                                          bool wantsLogits);
    kernels::StepState stateOf(std::span<const Next> next);
    std::span<const float> stepAll(std::span<const Next> next);

    std::shared_ptr<const Artifact> artifact_;
    int contextLength_;
    int64_t poolTokens_;
    int64_t freeBefore_;
    DeviceModel model_;
    DeviceCache cache_;
    int64_t cacheTokenBytes_;
    PageTable table_;
    kernels::cuda::DeviceMemory<int32_t> deviceTable_;
    kernels::cuda::DeviceMemory<float> cosines_;
    kernels::cuda::DeviceMemory<float> sines_;
    ModelStep step_;
    ModelPrompt prompt_;
    std::vector<int> lengths_;
    int64_t deviceBytes_;
    std::vector<float> logits_; ///< where a step takes more than one run
};

void CudaBackend::makeRoom(int slot, int length) {
    if (table_.grow(slot, length)) {
        const auto row = static_cast<size_t>(slot) * static_cast<size_t>(table_.width());
        kernels::cuda::require(cudaMemcpy(deviceTable_.data() + row, table_.row(slot),
                                          static_cast<size_t>(table_.width()) * sizeof(int32_t),
                                          cudaMemcpyHostToDevice),
                               "Writing the page table");
        // The copy may still be under way, and the streams of steps and prompts do not wait for it.
        kernels::cuda::require(cudaStreamSynchronize(nullptr), "Writing the page table");
    }
}

kernels::StepState CudaBackend::stateOf(std::span<const Next> next) {
    kernels::StepState state;
    for (const Next& each : next) {
        const int i = state.count++;
        state.token[i] = each.token;
        state.position[i] = length(each.slot);
        state.slot[i] = each.slot;
        makeRoom(each.slot, length(each.slot) + 1);
    }
    return state;
}

std::span<const float> CudaBackend::appendOneByOne(int slot, std::span<const Token> tokens,
                                                   bool wantsLogits) {
    std::span<const float> logits;
    for (size_t i = 0; i < tokens.size(); ++i) {
        const Next next{slot, tokens[i]};
        logits = step_.run(stateOf({&next, 1}), wantsLogits && i + 1 == tokens.size());
        ++lengths_[static_cast<size_t>(slot)];
    }
    return logits;
}

std::span<const float> CudaBackend::append(int slot, std::span<const Token> tokens,
                                           bool wantsLogits, const std::stop_token& cancel) {
    const int before = length(slot);
    const auto count = static_cast<int>(tokens.size());
    if (cancel.stop_requested()) {
        throw Cancelled();
    }
    try {
        return onGpu("Reading the prompt", [&] {
            if (count <= kFewTokens) {
                return appendOneByOne(slot, tokens, wantsLogits);
            }
            makeRoom(slot, before + count);
            const auto logits = prompt_.run(tokens, before, slot, wantsLogits, cancel);
            lengths_[static_cast<size_t>(slot)] = before + count;
            return logits;
        });
    } catch (...) {
        truncate(slot, before);
        throw;
    }
}

std::span<const float> CudaBackend::stepAll(std::span<const Next> next) {
    const auto most = static_cast<size_t>(step_.sequences());
    std::span<const float> logits;
    logits_.clear();
    for (size_t first = 0; first < next.size(); first += most) {
        const auto part = next.subspan(first, std::min(most, next.size() - first));
        logits = step_.run(stateOf(part), true);
        if (part.size() < next.size()) {
            logits_.insert(logits_.end(), logits.begin(), logits.end());
        }
    }
    return next.size() > most ? std::span<const float>(logits_) : logits;
}

std::span<const float> CudaBackend::step(std::span<const Next> next) {
    try {
        const auto logits = onGpu("A step", [&] { return stepAll(next); });
        for (const Next& each : next) {
            ++lengths_[static_cast<size_t>(each.slot)];
        }
        return logits;
    } catch (...) {
        for (const Next& each : next) {
            table_.shrink(each.slot, length(each.slot));
        }
        throw;
    }
}

} // namespace

std::unique_ptr<Backend> openCudaBackend(std::shared_ptr<const Artifact> artifact,
                                         const EngineSettings& settings) {
    const kernels::CudaDevice device = kernels::cudaDevice();
    if (!device.available) {
        throw Error("engine.no-cuda",
                    device.reason +
                        " The engine was asked to run on a GPU; --device cpu runs it here.",
                    {{"reason", device.reason}});
    }
    return onGpu("Preparing the GPU", [&]() -> std::unique_ptr<Backend> {
        const int needed = kernels::cuda::stepSharedBytes(0, 8);
        const int limit = kernels::cuda::stepSharedLimit();
        if (needed > limit) {
            throw kernels::KernelError(device.name + " lets a thread block have " +
                                       std::to_string(limit) + " bytes of shared memory; " +
                                       std::to_string(needed) + " are needed.");
        }
        const int64_t tokens = gpuPoolTokens(*artifact, settings, freeDeviceBytes());
        const RotaryEmbedding angles(artifact->config(), settings.contextLength);
        return std::make_unique<CudaBackend>(std::move(artifact), settings, tokens, angles);
    });
}

} // namespace caldera
