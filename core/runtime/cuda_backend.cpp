#include "core/runtime/cuda_backend.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/pause.h"
#include "core/plan/gpu_memory.h"
#include "core/runtime/cuda/device_engine.h"
#include "core/runtime/cuda/device_sampler.h"
#include "core/runtime/gpu_pool.h"
#include "kernels/common/device.h"
#include "kernels/common/kernel_error.h"
#include "kernels/step/program_sizes.h"

namespace caldera {

namespace {

using kernels::cuda::freeDeviceBytes;

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

DeviceEngineShape shapeOf(const EngineSettings& settings, int64_t poolTokens) {
    DeviceEngineShape shape;
    shape.contextLength = settings.contextLength;
    shape.slots = settings.chats;
    shape.poolTokens = poolTokens;
    shape.cacheBits = settings.cacheBits;
    shape.activationBits = gpuActivationBits(settings);
    return shape;
}

class CudaBackend : public Backend {
public:
    /// `freeBytes`: of the GPU, before anything is loaded.
    CudaBackend(std::shared_ptr<const Artifact> artifact, const EngineSettings& settings,
                int64_t freeBytes, int64_t poolTokens)
        : artifact_(std::move(artifact)), contextLength_(settings.contextLength),
          poolTokens_(poolTokens),
          cacheTokenBytes_(gpuCacheTokenBytes(artifact_->config(), settings.cacheBits)),
          engine_(loadDeviceModel(*artifact_), shapeOf(settings, poolTokens)),
          sampler_(std::min(settings.chats, kGpuStepSequences), artifact_->config().vocabSize,
                   std::min(settings.contextLength, artifact_->config().vocabSize)),
          joined_(settings.chats > engine_.stepWidth()
                      ? static_cast<size_t>(settings.chats) * vocabulary()
                      : 0),
          lengths_(static_cast<size_t>(settings.chats)),
          deviceBytes_(freeBytes - freeDeviceBytes()) {}

    const Artifact& artifact() const override { return *artifact_; }
    int contextLength() const override { return contextLength_; }
    int slots() const override { return static_cast<int>(lengths_.size()); }
    int64_t poolTokens() const override { return poolTokens_; }
    int promptBatch() const override { return engine_.prompt().tokens(); }
    BackendMemory memory() const override {
        return {engine_.model().arena.bytes(), cacheTokenBytes_, deviceBytes_};
    }
    int length(int slot) const override { return lengths_[static_cast<size_t>(slot)]; }
    void truncate(int slot, int length) noexcept override {
        lengths_[static_cast<size_t>(slot)] = length;
        engine_.shrink(slot, length);
    }
    void append(int slot, std::span<const Token> tokens, bool wantsLogits,
                const std::stop_token& cancel) override;
    void step(std::span<const Next> next) override;
    std::span<const Token> choose(std::span<const TokenChoice> choices, int vocabulary) override;
    std::span<const float> logits() override;

private:
    size_t vocabulary() const { return static_cast<size_t>(artifact_->config().vocabSize); }
    kernels::StepState stateOf(std::span<const Next> next);
    void stepAll(std::span<const Next> next);

    std::shared_ptr<const Artifact> artifact_;
    int contextLength_;
    int64_t poolTokens_;
    int64_t cacheTokenBytes_;
    DeviceEngine engine_;
    DeviceSampler sampler_;
    kernels::cuda::DeviceMemory<float> joined_; ///< [slots, vocab] where a step takes several runs
    float* logits_ = nullptr;                   ///< [logitRows_, vocab] in the GPU's memory
    size_t logitRows_ = 0;
    std::vector<float> hostLogits_;
    std::vector<int> lengths_;
    int64_t deviceBytes_;
};

kernels::StepState CudaBackend::stateOf(std::span<const Next> next) {
    kernels::StepState state;
    for (const Next& each : next) {
        const int i = state.count++;
        state.token[i] = each.token;
        state.position[i] = length(each.slot);
        state.slot[i] = each.slot;
        engine_.makeRoom(each.slot, length(each.slot) + 1);
    }
    return state;
}

void CudaBackend::append(int slot, std::span<const Token> tokens, bool wantsLogits,
                         const std::stop_token& cancel) {
    const int before = length(slot);
    const auto count = static_cast<int>(tokens.size());
    checkCancelled(cancel);
    logitRows_ = 0;
    try {
        onGpu("Reading the prompt", [&] {
            engine_.makeRoom(slot, before + count);
            logits_ = engine_.append(tokens, before, slot, wantsLogits, cancel);
            lengths_[static_cast<size_t>(slot)] = before + count;
        });
    } catch (...) {
        truncate(slot, before);
        throw;
    }
    logitRows_ = wantsLogits ? 1 : 0;
}

void CudaBackend::stepAll(std::span<const Next> next) {
    const auto most = static_cast<size_t>(engine_.stepWidth());
    if (next.size() <= most) {
        logits_ = engine_.step(stateOf(next), true);
        return;
    }
    logits_ = joined_.data();
    for (size_t first = 0; first < next.size(); first += most) {
        const auto part = next.subspan(first, std::min(most, next.size() - first));
        const float* logits = engine_.step(stateOf(part), true);
        const char* doing = "Keeping logits"; // before the next run writes over them
        kernels::cuda::require(cudaMemcpy(logits_ + first * vocabulary(), logits,
                                          part.size() * vocabulary() * sizeof(float),
                                          cudaMemcpyDeviceToDevice),
                               doing);
        kernels::cuda::require(cudaStreamSynchronize(nullptr), doing);
    }
}

void CudaBackend::step(std::span<const Next> next) {
    logitRows_ = 0;
    try {
        onGpu("A step", [&] { stepAll(next); });
    } catch (...) {
        for (const Next& each : next) {
            engine_.shrink(each.slot, length(each.slot));
        }
        throw;
    }
    for (const Next& each : next) {
        ++lengths_[static_cast<size_t>(each.slot)];
    }
    logitRows_ = next.size();
}

std::span<const Token> CudaBackend::choose(std::span<const TokenChoice> choices, int vocabulary) {
    return onGpu("Choosing tokens", [&] {
        return sampler_.choose(choices, logits_, artifact_->config().vocabSize, vocabulary);
    });
}

std::span<const float> CudaBackend::logits() {
    hostLogits_.resize(logitRows_ * vocabulary());
    onGpu("Copying logits", [&] {
        kernels::cuda::require(cudaMemcpy(hostLogits_.data(), logits_,
                                          hostLogits_.size() * sizeof(float),
                                          cudaMemcpyDeviceToHost),
                               "Copying logits");
    });
    return hostLogits_;
}

/// Throws unless thread blocks have room for the widest input.
void requireSharedMemory(const ModelConfig& config, const EngineSettings& settings,
                         const std::string& gpu) {
    const int bits = gpuActivationBits(settings);
    int64_t widest = 0;
    for (const Module module : kModules) {
        widest = std::max(widest, config.shapeOf(module).columns);
    }
    const int blocks = kernels::cuda::blocksOf(static_cast<int>(widest));
    const auto needed = [&](int ofBits) { return kernels::cuda::stepSharedBytes(blocks, ofBits); };
    const int limit = kernels::cuda::stepSharedLimit();
    if (needed(bits) <= limit) {
        return;
    }
    const bool wouldFit = bits == 16 && needed(8) <= limit;
    throw Error("engine.gpu",
                "Inputs of " + std::to_string(widest) + " numbers of " + std::to_string(bits) +
                    " bits take " + std::to_string(needed(bits)) +
                    " bytes of shared memory; a thread block of this GPU (" + gpu + ") has " +
                    std::to_string(limit) + ". " +
                    (wouldFit ? "--activation-bits 8 takes half of it; --device cpu runs it here."
                              : "--device cpu runs it here."));
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
        const ModelConfig& config = artifact->config();
        kernels::cuda::requireHeads(config.headCount, config.kvHeadCount, config.headSize);
        requireSharedMemory(config, settings, device.name);
        const int64_t freeBytes = freeDeviceBytes();
        const int64_t tokens = gpuPoolTokens(*artifact, settings, freeBytes);
        return std::make_unique<CudaBackend>(std::move(artifact), settings, freeBytes, tokens);
    });
}

} // namespace caldera
