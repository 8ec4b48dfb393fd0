#include "core/runtime/cuda/decode_timing.h"

#include <algorithm>
#include <string>

#include "core/base/error.h"
#include "core/runtime/backend.h"
#include "core/runtime/cuda/model_step.h"
#include "kernels/common/kernel_error.h"

namespace caldera {

namespace {

constexpr int kReplays = 21;

int64_t freeBytes() {
    size_t free = 0;
    size_t total = 0;
    kernels::cuda::require(cudaMemGetInfo(&free, &total), "Asking for the GPU's memory");
    return static_cast<int64_t>(free);
}

DecodeTimings measure(const DecodeShape& shape) {
    const int64_t before = freeBytes();
    const int most = *std::max_element(shape.chats.begin(), shape.chats.end());
    const int width = static_cast<int>(usedTokens(shape.contextLength) / kPageTokens);
    const DeviceModel model = syntheticDeviceModel(shape.config, {shape.code, shape.rank});
    const DeviceCache cache(shape.config, most * width, shape.cacheBits);
    PageTable table(most, width, most * width);
    for (int slot = 0; slot < most; ++slot) {
        table.grow(slot, shape.contextLength);
    }
    const kernels::cuda::DeviceMemory<int32_t> pages(std::span<const int32_t>(table.entries()));
    const RotaryEmbedding angles(shape.config, shape.contextLength);
    const kernels::cuda::DeviceMemory<float> cosines(std::span<const float>(angles.cosines()));
    const kernels::cuda::DeviceMemory<float> sines(std::span<const float>(angles.sines()));
    ModelStep step(model, {cache, pages.data(), width, cosines.data(), sines.data()}, most,
                   shape.activationBits);
    DecodeTimings timings;
    timings.weightBytes = model.weightBytes;
    timings.deviceBytes = before - freeBytes();
    kernels::StepState state;
    for (const int chats : shape.chats) {
        state.count = chats;
        for (int i = 0; i < chats; ++i) {
            state.position[i] = shape.position;
            state.slot[i] = i;
        }
        static_cast<void>(step.run(state, true));
        timings.steps.push_back({chats, step.microseconds(state, kReplays)});
    }
    state.count = 1;
    timings.phases = step.phaseMicroseconds(state);
    return timings;
}

} // namespace

DecodeTimings timeDecode(const DecodeShape& shape) {
    try {
        return measure(shape);
    } catch (const kernels::KernelError& error) {
        throw Error("engine.gpu", std::string("Decoding could not be timed: ") + error.what());
    }
}

} // namespace caldera
