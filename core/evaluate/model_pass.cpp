#include "core/evaluate/model_pass.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "core/model/logit_slice.h"

namespace caldera {

namespace {

/// Work of the head beside that of one block, at least one.
int64_t headCost(const ModelConfig& config) {
    const int64_t head = int64_t{config.vocabSize} * config.hiddenSize;
    int64_t block = 0;
    for (const Module module : kModules) {
        block += config.shapeOf(module).size();
    }
    return std::max<int64_t>(1, head / std::max<int64_t>(1, block));
}

/// In tokens through one block.
int64_t workOf(const ModelConfig& config, int64_t passed, int64_t predicted) {
    return passed * config.layerCount + predicted * headCost(config);
}

} // namespace

void WorkMeter::plan(const ModelConfig& config, int64_t passed, int64_t predicted) {
    total_ += workOf(config, passed, predicted);
}

void WorkMeter::skip(const ModelConfig& config, int64_t passed, int64_t predicted) {
    add(workOf(config, passed, predicted));
}

void WorkMeter::throughHead(const ModelConfig& config, int64_t tokens) {
    add(tokens * headCost(config));
}

void WorkMeter::add(int64_t work) {
    done_ += work;
    progress_.advance(done_, total_);
}

ModelPass::ModelPass(const TransformerWeights& weights, const std::vector<torch::Tensor>& tokens)
    : model(&weights) {
    hidden.reserve(tokens.size());
    for (const torch::Tensor& some : tokens) {
        hidden.push_back(weights.embed(some));
    }
}

void ModelPass::passBlock(int layer, WorkMeter& meter) {
    meter.check();
    const BlockWeights block = model->block(layer);
    for (torch::Tensor& states : hidden) {
        applyBlock(model->config(), block, states, [&](InputGroup group, const torch::Tensor& x) {
            meter.check();
            if (group == InputGroup::Down) {
                meter.throughBlock(x.size(0));
            }
        });
    }
}

void ModelPass::passAllBlocks(WorkMeter& meter) {
    for (int layer = 0; layer < model->config().layerCount; ++layer) {
        passBlock(layer, meter);
    }
}

void ModelPass::tellPassed(int blocks, WorkMeter& meter) const {
    for (const torch::Tensor& states : hidden) {
        meter.throughBlock(blocks * states.size(0) * states.size(1));
    }
}

void forLogitSlices(const ModelConfig& config, int64_t count,
                    const std::function<void(int64_t, int64_t)>& work) {
    const int64_t slice = logitSlice(config);
    for (int64_t first = 0; first < count; first += slice) {
        work(first, std::min(slice, count - first));
    }
}

} // namespace caldera
