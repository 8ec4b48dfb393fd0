#include "core/evaluate/state_copies.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace caldera {

namespace {

constexpr double kShortest = 0.5; ///< seconds between two copies, however quick they are
constexpr double kGapOverCost = 30;

/// Its bytes as f32 numbers [n] on the CPU.
torch::Tensor asFloats(const torch::Tensor& states) {
    return states.cpu().contiguous().flatten().view(at::kFloat);
}

int64_t floatsIn(const torch::Tensor& states) {
    return static_cast<int64_t>(states.nbytes() / sizeof(float));
}

} // namespace

bool CopyClock::isDue() const {
    return secondsSince(last_) >= std::min(longest_, std::max(kShortest, kGapOverCost * cost_));
}

void CopyClock::make(const std::function<void()>& copy) {
    const auto start = std::chrono::steady_clock::now();
    copy();
    cost_ = secondsSince(start);
    last_ = std::chrono::steady_clock::now();
}

int StateCopies::load(int layers, std::vector<torch::Tensor> states) const {
    const auto copy = areKept() ? store_.load(layers) : std::nullopt;
    int64_t expected = 0;
    for (const torch::Tensor& some : states) {
        expected += floatsIn(some);
    }
    if (!copy || copy->hidden.numel() != expected) {
        return 0;
    }
    const torch::Tensor all = copy->hidden.flatten();
    int64_t first = 0;
    for (torch::Tensor& some : states) {
        const torch::Tensor kept = all.narrow(0, first, floatsIn(some));
        some.copy_(kept.view(some.scalar_type()).view(some.sizes()));
        first += floatsIn(some);
    }
    return copy->layer;
}

void StateCopies::save(int layer, const std::vector<torch::Tensor>& states) const {
    std::vector<torch::Tensor> flat;
    for (const torch::Tensor& some : states) {
        flat.push_back(asFloats(some));
    }
    store_.save(layer, at::cat(flat).view({1, 1, -1}));
}

int JointPass::layers() const {
    int most = 0;
    for (const ModelPass& pass : passes) {
        most = std::max(most, pass.model->config().layerCount);
    }
    return most;
}

std::vector<torch::Tensor> JointPass::states() const {
    std::vector<torch::Tensor> all;
    if (numbers.defined()) {
        all.push_back(numbers);
    }
    for (const ModelPass& pass : passes) {
        all.insert(all.end(), pass.hidden.begin(), pass.hidden.end());
    }
    return all;
}

bool JointPass::passAllBlocks(const StateCopies& copies, CopyClock& clock, WorkMeter& meter) {
    int copied = copies.load(layers(), states());
    for (const ModelPass& pass : passes) {
        pass.tellPassed(std::min(copied, pass.model->config().layerCount), meter);
    }
    for (int layer = copied; layer < layers(); ++layer) {
        for (ModelPass& pass : passes) {
            if (layer < pass.model->config().layerCount) {
                pass.passBlock(layer, meter);
            }
        }
        if (afterBlock) {
            afterBlock(*this, layer);
        }
        if (copies.areKept() && clock.isDue()) {
            clock.make([&] { copies.save(layer + 1, states()); });
            copied = layer + 1;
        }
    }
    return copied == layers();
}

} // namespace caldera
