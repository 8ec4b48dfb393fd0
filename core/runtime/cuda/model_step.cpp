#include "core/runtime/cuda/model_step.h"

#include <numeric>

#include "kernels/common/cuda_graph.h"

namespace caldera {

namespace {

using kernels::FinishKind;
using kernels::FinishPhase;
using kernels::StepInput;
using kernels::StepResult;
using kernels::cuda::require;
using kernels::cuda::StepRole;

/// Codes that are fetched into the cache while nothing else is read: less than it holds.
constexpr int64_t kAheadBytes = 6 << 20;

FinishPhase finishOf(FinishKind kind, const std::vector<StepResult>& results) {
    FinishPhase phase;
    phase.kind = kind;
    for (const StepResult& result : results) {
        phase.results[phase.resultCount++] = result;
    }
    return phase;
}

} // namespace

kernels::AttendPhase StepContext::attention(const ModelConfig& config, int layer,
                                            const float* queries, const float* keys,
                                            const float* values) const {
    kernels::AttendPhase phase;
    phase.heads = config.headCount;
    phase.kvHeads = config.kvHeadCount;
    phase.headSize = config.headSize;
    phase.tableWidth = tableWidth;
    phase.queries = queries;
    phase.keys = keys;
    phase.values = values;
    phase.cosines = cosines;
    phase.sines = sines;
    phase.pages = pages;
    phase.cache = cache.layer(layer);
    return phase;
}

ModelStep::ModelStep(const DeviceModel& model, const StepContext& context, int sequences,
                     int activationBits)
    : config_(model.config),
      program_(sequences, activationBits, static_cast<float>(model.config.rmsNormEpsilon)),
      state_(1) {
    const int64_t count = sequences;
    const int64_t heads = config_.headCount;
    hidden_ = program_.floats(count * config_.hiddenSize);
    queries_ = program_.floats(count * heads * config_.headSize);
    keys_ = program_.floats(count * config_.kvHeadCount * config_.headSize);
    values_ = program_.floats(count * config_.kvHeadCount * config_.headSize);
    const int64_t parts = count * heads * kernels::kAttentionParts;
    parts_ = {program_.floats(parts * config_.headSize), program_.floats(parts),
              program_.floats(parts)};
    logits_ = program_.floats(count * config_.vocabSize);

    kernels::EmbedPhase embed = model.embedding;
    embed.hidden = hidden_;
    input_ = program_.inputOf(model.layers.front().qkv, StepRole::Qkv);
    embed.next = input_;
    program_.embed(embed);
    for (int layer = 0; layer < config_.layerCount; ++layer) {
        addLayer(model, layer, context);
    }
    bodyPhases_ = program_.phaseCount();
    followingTokens_ = program_.multipliesTogether() ? sequences : 1;
    addHead(model);
    program_.seal(kAheadBytes);

    const char* doing = "Preparing the model's step";
    pinnedState_ = kernels::cuda::makePinnedValues<kernels::StepState>(1, doing);
    stream_ = kernels::cuda::makeCudaStream(doing);
    whole_ = capture(program_.phaseCount());
    body_ = capture(bodyPhases_);
}

void ModelStep::addAttention(const DeviceModel& model, int index, const StepContext& context,
                             const StepInput& next) {
    const DeviceLayer& layer = model.layers[static_cast<size_t>(index)];
    std::vector<StepResult> results = program_.multiply(layer.qkv, input_);
    const std::array targets = {queries_, keys_, values_};
    for (size_t i = 0; i < results.size(); ++i) {
        results[i].values = targets.at(i);
    }
    program_.finish(finishOf(FinishKind::Values, results), layer.qkv, input_);
    kernels::AttendPhase attend = context.attention(config_, index, queries_, keys_, values_);
    attend.parts = parts_;
    program_.attend(attend);
    kernels::CombinePhase combine;
    combine.heads = config_.headCount;
    combine.headSize = config_.headSize;
    combine.parts = parts_;
    combine.next = next;
    program_.combine(combine);
}

void ModelStep::addLayer(const DeviceModel& model, int index, const StepContext& context) {
    const DeviceLayer& layer = model.layers[static_cast<size_t>(index)];
    const StepInput oInput = program_.inputOf(layer.o, StepRole::O);
    const StepInput gateInput = program_.inputOf(layer.gateUp, StepRole::GateUp);
    const StepInput downInput = program_.inputOf(layer.down, StepRole::Down);
    addAttention(model, index, context, oInput);

    FinishPhase afterO = finishOf(FinishKind::Residual, program_.multiply(layer.o, oInput));
    afterO.hidden = hidden_;
    afterO.next = gateInput;
    program_.finish(afterO, layer.o, oInput);

    FinishPhase gate = finishOf(FinishKind::SwiGlu, program_.multiply(layer.gateUp, gateInput));
    gate.next = downInput;
    program_.finish(gate, layer.gateUp, gateInput);

    const bool isLast = index + 1 == config_.layerCount;
    FinishPhase afterDown =
        finishOf(FinishKind::Residual, program_.multiply(layer.down, downInput));
    afterDown.hidden = hidden_;
    input_ =
        isLast ? program_.inputOf(model.head, StepRole::Head)
               : program_.inputOf(model.layers[static_cast<size_t>(index) + 1].qkv, StepRole::Qkv);
    afterDown.next = input_;
    program_.finish(afterDown, layer.down, downInput);
}

void ModelStep::addHead(const DeviceModel& model) {
    std::vector<StepResult> results = program_.multiply(model.head, input_);
    results.front().values = logits_;
    program_.finish(finishOf(FinishKind::Values, results), model.head, input_);
}

kernels::cuda::CudaGraphHandle ModelStep::capture(int phaseCount) {
    return kernels::cuda::captureGraph(stream_.get(), "Capturing the model's step", [&] {
        cudaMemcpyAsync(state_.data(), pinnedState_.get(), sizeof(kernels::StepState),
                        cudaMemcpyHostToDevice, stream_.get());
        program_.run(state_.data(), sequences(), phaseCount, stream_.get());
    });
}

void ModelStep::launch(const kernels::StepState& state, bool wantsLogits) {
    pinnedState_[0] = state;
    require(cudaGraphLaunch((wantsLogits ? whole_ : body_).get(), stream_.get()),
            "The model's step");
}

void ModelStep::run(const kernels::StepState& state, bool wantsLogits) {
    launch(state, wantsLogits);
    require(cudaStreamSynchronize(stream_.get()), "The model's step");
}

double ModelStep::microseconds(const kernels::StepState& state, int replays) {
    return 1e6 * kernels::cuda::medianSeconds(stream_.get(), replays, "Timing the model's step",
                                              [&] { launch(state, true); });
}

std::vector<double> ModelStep::phaseMicroseconds(const kernels::StepState& state) {
    const char* doing = "Timing the step's phases";
    constexpr int kKinds = 5;
    pinnedState_[0] = state;
    require(cudaMemcpyAsync(state_.data(), pinnedState_.get(), sizeof(state),
                            cudaMemcpyHostToDevice, stream_.get()),
            doing);
    const std::vector<int64_t> clocks =
        program_.phaseClocks(state_.data(), sequences(), stream_.get());
    std::vector<double> sums(kKinds);
    for (size_t i = 0; i < clocks.size(); ++i) {
        sums[static_cast<size_t>(program_.kindOf(static_cast<int>(i)))] +=
            static_cast<double>(clocks[i]);
    }
    const auto all = static_cast<double>(std::accumulate(clocks.begin(), clocks.end(), int64_t{0}));
    const double whole = microseconds(state, 5);
    for (double& each : sums) {
        each *= whole / all;
    }
    return sums;
}

} // namespace caldera
