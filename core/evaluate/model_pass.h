// A model over many sequences, one block in memory at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include <torch/types.h>

#include "core/forward/transformer.h"
#include "core/job/progress.h"

namespace caldera {

/// Counts tokens through blocks and heads, so that the remaining time is steady.
class WorkMeter {
public:
    WorkMeter(Progress& progress, const std::stop_token& stop) : progress_(progress), stop_(stop) {}

    /// Plans `passed` tokens through all blocks of a model and `predicted` through its head.
    void plan(const ModelConfig& config, int64_t passed, int64_t predicted);
    /// Throws Cancelled.
    void check() const { checkCancelled(stop_); }
    void throughBlock(int64_t tokens) { add(tokens); }
    void throughHead(const ModelConfig& config, int64_t tokens);
    /// What plan() planned was done by an earlier run.
    void skip(const ModelConfig& config, int64_t passed, int64_t predicted);

private:
    void add(int64_t work);

    Progress& progress_;
    const std::stop_token& stop_;
    int64_t done_ = 0;
    int64_t total_ = 0;
};

/// A model and the states of its sequences, which may be of several lengths.
struct ModelPass {
    const TransformerWeights* model = nullptr;
    std::vector<torch::Tensor> hidden; ///< each [n, t, hidden]

    /// tokens: each [n, t] int64.
    ModelPass(const TransformerWeights& weights, const std::vector<torch::Tensor>& tokens);
    /// Reads (or decodes) one block and takes all sequences through it.
    void passBlock(int layer, WorkMeter& meter);
    void passAllBlocks(WorkMeter& meter);
    /// Counts blocks that an earlier run passed.
    void tellPassed(int blocks, WorkMeter& meter) const;
};

/// One model's way from hidden states to logits.
struct Head {
    const TransformerWeights* model = nullptr;
    torch::Tensor norm, table;

    explicit Head(const TransformerWeights& weights)
        : model(&weights), norm(weights.finalNorm()), table(weights.head()) {}

    torch::Device device() const { return table.device(); }
    /// hidden [tokens, hidden] -> [tokens, vocab]
    torch::Tensor logits(const torch::Tensor& hidden) const {
        return logitsOf(model->config(), norm, table, hidden.to(device()));
    }
};

/// Calls `work(first, count)` for 0 .. count in slices whose logits take 64 MiB.
void forLogitSlices(const ModelConfig& config, int64_t count,
                    const std::function<void(int64_t, int64_t)>& work);

} // namespace caldera
