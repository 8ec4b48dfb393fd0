#include "core/forward/continuations.h"

#include <cmath>

#include <ATen/ATen.h>

#include "core/base/pause.h"
#include "core/forward/attention.h"
#include "core/forward/block_pass.h"

namespace caldera {

namespace {

/// [tokens, heads, size] of single tokens over the keys and values of their prefix [t, kvHeads,
/// size] and their own.
torch::Tensor attend(const BlockPass::Heads& own, const torch::Tensor& keys,
                     const torch::Tensor& values) {
    const int64_t tokens = own.query.size(0);
    const int64_t heads = own.query.size(1);
    const int64_t size = own.query.size(2);
    const int64_t kvHeads = keys.size(1);
    const double scale = 1.0 / std::sqrt(static_cast<double>(size));
    const torch::Tensor query =
        (own.query * scale).view({tokens, kvHeads, heads / kvHeads, size}); // [c, kv, shared, d]
    const torch::Tensor byHead =
        query.permute({1, 0, 2, 3}).reshape({kvHeads, -1, size}); // [kv, c shared, d]
    const torch::Tensor before = at::bmm(byHead, keys.permute({1, 2, 0}))
                                     .view({kvHeads, tokens, heads / kvHeads, keys.size(0)});
    const torch::Tensor self =
        (query * own.key.unsqueeze(2)).sum(-1, true).transpose(0, 1); // [kv, c, shared, 1]
    const torch::Tensor weights = at::softmax(at::cat({before, self}, -1), -1);
    const torch::Tensor fromPrefix =
        at::bmm(weights.narrow(-1, 0, keys.size(0)).reshape({kvHeads, -1, keys.size(0)}),
                values.transpose(0, 1))
            .view({kvHeads, tokens, heads / kvHeads, size});
    const torch::Tensor fromSelf =
        weights.narrow(-1, keys.size(0), 1) * own.value.transpose(0, 1).unsqueeze(2);
    return (fromPrefix + fromSelf).transpose(0, 1).reshape({tokens, heads, size});
}

} // namespace

void applyBlockToContinuations(const ModelConfig& config, const BlockWeights& weights,
                               const torch::Tensor& hidden, const std::vector<TokenPlace>& places,
                               torch::Tensor& tried, const std::stop_token& stop) {
    const at::NoGradGuard noGradients;
    const torch::Device device = weights.inputNorm.device();
    const RotaryTable positions = rotaryTable(config, hidden.size(1), device);
    const InputObserver nobody;
    const BlockPass pass(config, weights, nobody);
    for (size_t i = 0; i < places.size(); ++i) {
        checkCancelled(stop);
        const auto [sequence, position] = places[i];
        const auto place = static_cast<int64_t>(i);
        const torch::Tensor before =
            hidden.narrow(0, sequence, 1).narrow(1, 0, position).to(device); // [1, position, h]
        const BlockPass::Heads prefix = pass.heads(before, {positions.cosine.narrow(0, 0, position),
                                                            positions.sine.narrow(0, 0, position)});
        // Each token that is tried is a sequence of one.
        const torch::Tensor states = tried[place].to(device).unsqueeze(1); // [c, 1, hidden]
        const BlockPass::Heads own = pass.heads(states, {positions.cosine.narrow(0, position, 1),
                                                         positions.sine.narrow(0, position, 1)});
        const torch::Tensor mixed =
            attend({own.query.squeeze(1), own.key.squeeze(1), own.value.squeeze(1)},
                   prefix.key.squeeze(0), prefix.value.squeeze(0));
        tried[place].copy_(pass.fed(pass.attended(states, mixed.unsqueeze(1))).squeeze(1));
    }
}

} // namespace caldera
