#include "core/runtime/cuda/decode_timing.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/base/median.h"
#include "core/base/pause.h"
#include "core/base/text.h"
#include "core/model/codec_facts.h"
#include "core/plan/gpu_memory.h"
#include "core/runtime/backend.h"
#include "core/runtime/cuda/device_engine.h"
#include "core/runtime/cuda/device_sampler.h"
#include "core/runtime/sampler.h"
#include "kernels/common/kernel_error.h"
#include "kernels/step/product_timing.h"

namespace caldera {

namespace {

constexpr int kReplays = 21;
constexpr int kPromptRuns = 5;

double promptSeconds(DeviceEngine& engine, int tokens) {
    const std::vector<Token> all(static_cast<size_t>(tokens)); // the model has one row for all
    const auto start = std::chrono::steady_clock::now();
    const int most = engine.prompt().tokens();
    for (int first = 0; first < tokens; first += most) {
        const int count = std::min(most, tokens - first);
        engine.append(
            std::span(all).subspan(static_cast<size_t>(first), static_cast<size_t>(count)), first,
            0, first + count == tokens, {});
    }
    return secondsSince(start);
}

double medianPromptSeconds(DeviceEngine& engine, int tokens) {
    std::vector<double> seconds;
    for (int i = 0; i < kPromptRuns; ++i) {
        seconds.push_back(promptSeconds(engine, tokens));
    }
    return median(std::move(seconds));
}

/// What cuBLAS takes in fp16 for the linears of all layers.
double denseSeconds(const ModelConfig& config, int tokens) {
    double microseconds = 0;
    for (const std::vector<Module>& group :
         {std::vector{Module::QProj, Module::KProj, Module::VProj},
          {Module::OProj},
          {Module::GateProj, Module::UpProj},
          {Module::DownProj}}) {
        kernels::cuda::ProductShape shape;
        for (const Module module : group) {
            shape.rows.push_back(config.shapeOf(module).rows);
            shape.columns = config.shapeOf(module).columns;
        }
        shape.sequences = tokens;
        microseconds += kernels::cuda::timeDenseProduct(shape);
    }
    return 1e-6 * microseconds * config.layerCount;
}

/// A plan whose model is like the synthetic one.
Plan planOf(const DecodeShape& shape) {
    Plan plan;
    for (const CodecFacts& codec : codecFacts()) {
        if (codec.id == shape.code->id) {
            plan.defaults.codec = codec.family;
            plan.defaults.bits = codec.bits;
        }
    }
    plan.defaults.rank = shape.rank;
    plan.headBits = 4;
    return plan;
}

DeviceEngine engineFor(const DecodeShape& shape, int chats) {
    DeviceEngineShape engine;
    engine.contextLength = shape.contextLength;
    engine.slots = chats;
    engine.poolTokens = chats * usedTokens(shape.contextLength);
    engine.cacheBits = shape.cacheBits;
    engine.activationBits = shape.activationBits;
    DeviceArena arena(gpuWeightBytes(planOf(shape), shape.config));
    return {syntheticDeviceModel(shape.config, {shape.code, shape.rank}, std::move(arena)), engine};
}

int64_t expectedBytes(const DecodeShape& shape, int chats) {
    GpuLoad load;
    load.contextLength = shape.contextLength;
    load.chats = chats;
    load.activationBits = shape.activationBits;
    return gpuMemory(planOf(shape), shape.config, load, shape.cacheBits).total();
}

kernels::StepState stateOf(int chats, int position) {
    kernels::StepState state;
    state.count = chats;
    for (int i = 0; i < chats; ++i) {
        state.position[i] = position;
        state.slot[i] = i;
    }
    return state;
}

/// As chats choose by default. The step's last logits are one chat's.
double choiceMicroseconds(DeviceEngine& engine, float* logits) {
    const int vocabulary = engine.model().config.vocabSize;
    DeviceSampler sampler(1, vocabulary, 1);
    Sampler options{SamplingOptions{}};
    std::vector<double> seconds;
    for (int i = 0; i < kReplays; ++i) {
        const TokenChoice choice = options.next({});
        const auto start = std::chrono::steady_clock::now();
        sampler.choose({&choice, 1}, logits, vocabulary, vocabulary);
        seconds.push_back(secondsSince(start));
    }
    return 1e6 * median(std::move(seconds));
}

/// Throws Error("engine.memory") where it would not fit.
void requireRoom(const DecodeShape& shape, int chats, int64_t freeBytes) {
    const int64_t needed = expectedBytes(shape, chats);
    if (needed > freeBytes) {
        throw Error("engine.memory",
                    "Decoding at this shape for " + std::to_string(chats) +
                        (chats == 1 ? " chat of " : " chats of ") +
                        std::to_string(shape.contextLength) + " tokens takes " +
                        memoryText(static_cast<uint64_t>(needed)) + " of GPU memory; " +
                        memoryText(static_cast<uint64_t>(freeBytes)) +
                        " are free. Fewer --chats, a shorter --context, a lower --rank or "
                        "--kv-bits 8 take less.",
                    {{"needed", std::to_string(needed)}, {"free", std::to_string(freeBytes)}});
    }
}

DecodeTimings measure(const DecodeShape& shape, const std::stop_token& stop) {
    const int64_t before = kernels::cuda::freeDeviceBytes();
    const int most = *std::max_element(shape.chats.begin(), shape.chats.end());
    requireRoom(shape, most, before);
    DeviceEngine engine = engineFor(shape, most);
    for (int slot = 0; slot < most; ++slot) {
        engine.makeRoom(slot, shape.contextLength);
    }
    // cuBLAS starts.
    static_cast<void>(promptSeconds(engine, std::min(256, shape.contextLength)));
    DecodeTimings timings;
    timings.weightBytes = engine.model().arena.bytes();
    timings.expectedBytes = expectedBytes(shape, most);
    for (const int chats : shape.chats) {
        checkCancelled(stop);
        const kernels::StepState state = stateOf(chats, shape.position);
        ModelStep& step = engine.stepFor(chats);
        step.run(state, true);
        timings.steps.push_back(
            {chats, step.microseconds(state, kReplays), step.phaseMicroseconds(state)});
    }
    for (const int tokens : shape.prompts) {
        checkCancelled(stop);
        timings.prompts.push_back({tokens, medianPromptSeconds(engine, tokens), 0});
    }
    timings.choiceMicroseconds =
        choiceMicroseconds(engine, engine.step(stateOf(1, shape.position), true));
    timings.deviceBytes = before - kernels::cuda::freeDeviceBytes(); // with the kernels loaded
    return timings;
}

} // namespace

DecodeTimings timeDecode(const DecodeShape& shape, const std::stop_token& stop) {
    try {
        DecodeTimings timings = measure(shape, stop);
        for (PromptTiming& prompt : timings.prompts) { // now that the model's memory is free
            checkCancelled(stop);
            prompt.denseSeconds = denseSeconds(shape.config, prompt.tokens);
        }
        return timings;
    } catch (const kernels::KernelError& error) {
        throw Error("engine.gpu", std::string("Decoding could not be timed: ") + error.what());
    }
}

} // namespace caldera
