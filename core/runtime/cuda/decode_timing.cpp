#include "core/runtime/cuda/decode_timing.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/runtime/backend.h"
#include "core/runtime/cuda/model_step.h"
#include "core/runtime/cuda/page_table.h"
#include "core/runtime/cuda/prompt.h"
#include "core/runtime/rope.h"
#include "kernels/common/kernel_error.h"

namespace caldera {

namespace {

constexpr int kReplays = 21;

double promptSeconds(ModelPrompt& prompt, int tokens) {
    const std::vector<Token> all(static_cast<size_t>(tokens)); // the model has one row for all
    const auto start = std::chrono::steady_clock::now();
    for (int first = 0; first < tokens; first += prompt.tokens()) {
        const int count = std::min(prompt.tokens(), tokens - first);
        static_cast<void>(prompt.run(
            std::span(all).subspan(static_cast<size_t>(first), static_cast<size_t>(count)), first,
            0, first + count == tokens, {}));
    }
    return secondsSince(start);
}

DecodeTimings measure(const DecodeShape& shape) {
    const int64_t before = kernels::cuda::freeDeviceBytes();
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
    const StepContext context{cache, pages.data(), width, cosines.data(), sines.data()};
    ModelStep step(model, context, most, shape.activationBits);
    ModelPrompt prompt(model, context, std::min(ModelPrompt::kMostTokens, shape.contextLength));
    static_cast<void>(promptSeconds(prompt, std::min(16, shape.contextLength))); // cuBLAS starts
    DecodeTimings timings;
    timings.weightBytes = model.arena.bytes();
    timings.deviceBytes = before - kernels::cuda::freeDeviceBytes();
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
    for (const int tokens : shape.prompts) {
        timings.prompts.push_back({tokens, promptSeconds(prompt, tokens)});
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
