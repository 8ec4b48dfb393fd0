#include "core/runtime/cuda/prompt.h"

#include <algorithm>
#include <string>

#include "core/base/error.h"
#include "core/base/pause.h"

namespace caldera {

namespace {

using kernels::cuda::PromptChunk;
using kernels::cuda::PromptGate;
using kernels::cuda::PromptInput;
using kernels::cuda::PromptProduct;
using kernels::cuda::PromptVectors;
using kernels::cuda::require;
using kernels::cuda::StepGroup;
using kernels::cuda::StepLinear;

constexpr const char* kDoing = "The model's prompt";

/// Calls use(member) for every linear of the layers.
template <class Use>
void forLinears(const DeviceModel& model, const Use& use) {
    for (const DeviceLayer& layer : model.layers) {
        for (const StepGroup* group : {&layer.qkv, &layer.o, &layer.gateUp, &layer.down}) {
            std::for_each(group->members.begin(), group->members.end(), use);
        }
    }
}

int mostRank(const DeviceModel& model) {
    int most = 0;
    forLinears(model, [&](const StepLinear& linear) { most = std::max(most, linear.rank); });
    return most;
}

/// 1 or 0: whether some group before down wants plain, or rotated, inputs.
int wantsInputs(const DeviceModel& model, bool isRotated) {
    const auto wants = [&](const StepGroup& group) {
        return std::any_of(group.members.begin(), group.members.end(),
                           [&](const auto& member) { return member.isRotated() == isRotated; });
    };
    return std::any_of(model.layers.begin(), model.layers.end(),
                       [&](const DeviceLayer& layer) {
                           return wants(layer.qkv) || wants(layer.o) || wants(layer.gateUp);
                       })
               ? 1
               : 0;
}

int attendedSize(const ModelConfig& config) {
    return config.headCount * config.headSize;
}

int keySize(const ModelConfig& config) {
    return config.kvHeadCount * config.headSize;
}

int inputStride(const ModelConfig& config) {
    return kernels::cuda::promptStride(std::max(config.hiddenSize, attendedSize(config)));
}

int gateSlices(const ModelConfig& config) {
    const int rows = kernels::cuda::promptSliceRows(config.hiddenSize);
    return (config.intermediateSize + rows - 1) / rows;
}

int64_t wideBytes(const ModelConfig& config, int tokens) {
    const int64_t attention = static_cast<int64_t>(sizeof(float)) *
                              (attendedSize(config) + 2 * static_cast<int64_t>(keySize(config)));
    const int64_t down = static_cast<int64_t>(sizeof(uint16_t)) *
                         kernels::cuda::promptStride(config.intermediateSize);
    return tokens * std::max(attention, down);
}

int64_t tileBytes(const DeviceModel& model, const StepContext& context, int tokens) {
    const ModelConfig& config = model.config;
    int64_t bytes =
        kernels::cuda::promptAttentionBytes({config.headCount, config.kvHeadCount, config.headSize},
                                            tokens, context.tableWidth * kernels::kPageTokens);
    forLinears(model, [&](const StepLinear& linear) {
        const int rows = std::max(linear.rows, linear.rank);
        bytes = std::max(bytes, kernels::cuda::promptTileBytes(rows, linear.columns));
    });
    return bytes;
}

/// Waits for a stream however a run ends, so that nothing is written behind the caller's back.
class AtRest {
public:
    explicit AtRest(cudaStream_t stream) : stream_(stream) {}
    ~AtRest() { cudaStreamSynchronize(stream_); }
    AtRest(const AtRest&) = delete;
    AtRest& operator=(const AtRest&) = delete;

private:
    cudaStream_t stream_;
};

} // namespace

ModelPrompt::ModelPrompt(const DeviceModel& model, const StepContext& context, int tokens)
    : model_(model), context_(context), tokens_(tokens),
      epsilon_(static_cast<float>(model.config.rmsNormEpsilon)),
      stream_(kernels::cuda::makeCudaStream(kDoing)),
      layerDone_{kernels::cuda::makeCudaEvent(kDoing, false),
                 kernels::cuda::makeCudaEvent(kDoing, false)},
      pinnedTokens_(kernels::cuda::makePinnedValues<Token>(static_cast<size_t>(tokens), kDoing)),
      deviceTokens_(static_cast<size_t>(tokens)),
      logits_(static_cast<size_t>(model.config.vocabSize)),
      normed_(static_cast<size_t>(model.config.hiddenSize)),
      hidden_(static_cast<size_t>(tokens) * static_cast<size_t>(model.config.hiddenSize)),
      sliceScale_(static_cast<size_t>(tokens) * static_cast<size_t>(gateSlices(model.config))),
      wide_(static_cast<size_t>(wideBytes(model.config, tokens))),
      tile_(static_cast<size_t>(tileBytes(model, context, tokens))), products_(stream_.get()),
      linears_(products_, stream_.get(), tokens, mostRank(model), tile_.data()),
      attention_(products_, stream_.get(), tile_.data(), static_cast<int64_t>(tile_.bytes())) {
    for (const bool isRotated : {false, true}) {
        const int numbers = wantsInputs(model, isRotated) * inputStride(model.config);
        numbers_[isRotated ? 1 : 0] = kernels::cuda::DeviceMemory<uint16_t>(
            static_cast<size_t>(tokens) * static_cast<size_t>(numbers));
        scale_[isRotated ? 1 : 0] = kernels::cuda::DeviceMemory<float>(static_cast<size_t>(tokens));
    }
}

void ModelPrompt::enter(std::span<const Token> tokens) {
    std::copy(tokens.begin(), tokens.end(), pinnedTokens_.get());
    require(cudaMemcpyAsync(deviceTokens_.data(), pinnedTokens_.get(), tokens.size_bytes(),
                            cudaMemcpyHostToDevice, stream_.get()),
            kDoing);
    kernels::EmbedPhase embedding = model_.embedding;
    embedding.hidden = hidden_.data();
    kernels::cuda::promptEmbed(embedding, deviceTokens_.data(), static_cast<int>(tokens.size()),
                               stream_.get());
}

/// The processor is at most two layers ahead, so that a prompt ends soon after it is cancelled.
void ModelPrompt::waitForLayer(int index, const std::stop_token& cancel) const {
    if (index >= 2) {
        require(cudaEventSynchronize(layerDone_[static_cast<size_t>(index % 2)].get()), kDoing);
    }
    checkCancelled(cancel);
}

void ModelPrompt::run(std::span<const Token> tokens, int firstPosition, int slot, bool wantsLogits,
                      const std::stop_token& cancel) {
    if (tokens.empty() || tokens.size() > static_cast<size_t>(tokens_)) {
        throw kernels::KernelError("prompt: " + std::to_string(tokens.size()) + " tokens; 1 to " +
                                   std::to_string(tokens_) + " are possible.");
    }
    const AtRest atRest(stream_.get());
    require(cudaStreamSynchronize(nullptr), kDoing); // the page table may be on its way
    const PromptChunk chunk{static_cast<int>(tokens.size()), firstPosition, slot};
    enter(tokens);
    for (int layer = 0; layer < model_.config.layerCount; ++layer) {
        waitForLayer(layer, cancel);
        runLayer(layer, chunk);
        require(cudaEventRecord(layerDone_[static_cast<size_t>(layer % 2)].get(), stream_.get()),
                kDoing);
    }
    if (wantsLogits) {
        head(chunk.tokens - 1);
    }
    require(cudaStreamSynchronize(stream_.get()), kDoing);
}

ModelPrompt::Inputs ModelPrompt::inputsOf(const StepGroup& group, const float* values, int tokens) {
    Inputs inputs;
    for (const StepLinear& member : group.members) {
        const size_t place = member.isRotated() ? 1 : 0;
        if (inputs[place].numbers != nullptr) {
            continue;
        }
        inputs[place] = {numbers_[place].data(), scale_[place].data(), group.columns,
                         kernels::cuda::promptStride(group.columns)};
        PromptInput input;
        input.values = values;
        input.epsilon = epsilon_;
        input.way.size = group.columns;
        input.way.norm = group.norm;
        if (member.isRotated()) {
            input.way.block = group.inBlock;
            input.way.sign = group.inSign;
        }
        kernels::cuda::promptInput(input, tokens, inputs[place], stream_.get());
    }
    return inputs;
}

/// The linear's outputs go to `values` or are added to `hidden`, [tokens, rows].
void ModelPrompt::apply(const StepLinear& linear, const Inputs& inputs, int tokens, float* values,
                        float* hidden) {
    const PromptVectors& x = inputs[linear.isRotated() ? 1 : 0];
    linears_.reduce(linear, x, tokens, 0);
    for (int row = 0; row < linear.rows; row += kernels::cuda::promptSliceRows(linear.columns)) {
        PromptProduct product = linears_.multiply(linear, x, tokens, row, 0);
        product.result.values = values;
        kernels::cuda::promptFinish(product, tokens, hidden, stream_.get());
    }
}

void ModelPrompt::attend(int index, const PromptChunk& chunk) {
    const ModelConfig& config = model_.config;
    const StepGroup& qkv = model_.layers[static_cast<size_t>(index)].qkv;
    auto* const queries = reinterpret_cast<float*>(wide_.data());
    float* const keys = queries + static_cast<int64_t>(tokens_) * attendedSize(config);
    float* const values = keys + static_cast<int64_t>(tokens_) * keySize(config);
    float* const targets[] = {queries, keys, values};
    const Inputs inputs = inputsOf(qkv, hidden_.data(), chunk.tokens);
    for (size_t i = 0; i < qkv.members.size(); ++i) {
        apply(qkv.members[i], inputs, chunk.tokens, targets[i], nullptr);
    }
    const auto phase = context_.attention(config, index, queries, keys, values);
    attention_.run(phase, chunk, queries);
}

PromptGate ModelPrompt::gateOf(const DeviceLayer& layer) const {
    PromptGate gate;
    gate.next.size = layer.down.columns;
    if (layer.down.members.front().isRotated()) {
        gate.next.block = layer.down.inBlock;
        gate.next.sign = layer.down.inSign;
    }
    gate.numbers = reinterpret_cast<uint16_t*>(wide_.data());
    gate.stride = kernels::cuda::promptStride(layer.down.columns);
    gate.sliceScale = sliceScale_.data();
    gate.slices = gateSlices(model_.config);
    gate.sliceRows = kernels::cuda::promptSliceRows(layer.gateUp.columns);
    return gate;
}

/// Gate and up, slice by slice, become the input of down.
ModelPrompt::Inputs ModelPrompt::gate(const DeviceLayer& layer, int tokens) {
    const std::vector<StepLinear>& pair = layer.gateUp.members;
    const Inputs inputs = inputsOf(layer.gateUp, hidden_.data(), tokens);
    const PromptVectors& ofGate = inputs[pair[0].isRotated() ? 1 : 0];
    const PromptVectors& ofUp = inputs[pair[1].isRotated() ? 1 : 0];
    linears_.reduce(pair[0], ofGate, tokens, 0);
    linears_.reduce(pair[1], ofUp, tokens, 1);
    const PromptGate out = gateOf(layer);
    for (int row = 0; row < pair[0].rows; row += out.sliceRows) {
        const PromptProduct gate = linears_.multiply(pair[0], ofGate, tokens, row, 0);
        const PromptProduct up = linears_.multiply(pair[1], ofUp, tokens, row, 1);
        kernels::cuda::promptGate(gate, up, out, tokens, stream_.get());
    }
    const size_t place = layer.down.members.front().isRotated() ? 1 : 0;
    kernels::cuda::promptJoinSlices(out, scale_[place].data(), tokens, stream_.get());
    Inputs ofDown;
    ofDown[place] = {out.numbers, scale_[place].data(), layer.down.columns, out.stride};
    return ofDown;
}

void ModelPrompt::runLayer(int index, const PromptChunk& chunk) {
    const DeviceLayer& layer = model_.layers[static_cast<size_t>(index)];
    attend(index, chunk);
    const auto* attended = reinterpret_cast<const float*>(wide_.data());
    const Inputs inputs = inputsOf(layer.o, attended, chunk.tokens);
    apply(layer.o.members.front(), inputs, chunk.tokens, nullptr, hidden_.data());
    const Inputs ofDown = gate(layer, chunk.tokens);
    apply(layer.down.members.front(), ofDown, chunk.tokens, nullptr, hidden_.data());
}

void ModelPrompt::head(int lastToken) {
    const int size = model_.config.hiddenSize;
    const StepLinear& linear = model_.head.members.front();
    kernels::cuda::promptNorm(hidden_.data() + static_cast<int64_t>(lastToken) * size,
                              model_.head.norm, size, epsilon_, normed_.data(), stream_.get());
    kernels::cuda::promptLogits(linear, normed_.data(), size, logits_.data(), stream_.get());
}

} // namespace caldera
