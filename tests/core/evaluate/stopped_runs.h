// For tests of runs that are stopped and go on: what was read again, and where they stop.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "core/forward/transformer.h"
#include "core/job/progress.h"

namespace caldera::test {

/// Counts the blocks that are read.
class CountedWeights : public TransformerWeights {
public:
    explicit CountedWeights(std::shared_ptr<const TransformerWeights> weights)
        : weights_(std::move(weights)) {}
    const ModelConfig& config() const override { return weights_->config(); }
    BlockWeights block(int layer) const override {
        ++blocks;
        return weights_->block(layer);
    }
    torch::Tensor embed(const torch::Tensor& tokens) const override {
        return weights_->embed(tokens);
    }
    torch::Tensor finalNorm() const override { return weights_->finalNorm(); }
    torch::Tensor head() const override { return weights_->head(); }

    mutable std::atomic<int> blocks = 0;

private:
    std::shared_ptr<const TransformerWeights> weights_;
};

/// Asks to stop once so much is done.
class StopAt : public Progress {
public:
    StopAt(int64_t done, std::stop_source& source) : done_(done), source_(source) {}
    void stage(const std::string&) override {}
    void advance(int64_t done, int64_t) override {
        if (done >= done_) {
            source_.request_stop();
        }
    }
    void event(const std::string&, nlohmann::json) override {}

private:
    int64_t done_;
    std::stop_source& source_;
};

} // namespace caldera::test
