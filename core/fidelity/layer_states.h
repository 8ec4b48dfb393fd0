// The states that a measurement carries from layer to layer.
#pragma once

#include <array>
#include <cstdint>

#include <torch/types.h>

#include "core/forward/hidden_store.h"
#include "core/forward/transformer.h"

namespace caldera {

/// States of several token sets between two layers, in one tensor: what a resumed run goes on from
/// is one file, so that all of them are of the same layer.
class LayerStates {
public:
    enum class Part { Calibration, HeldOut, Candidates, Cumulative };

    /// Tokens [n, t] int64 of a part; before the first layer is known.
    void add(Part part, const torch::Tensor& tokens);
    bool has(Part part) const { return tokens_[index(part)].defined(); }

    /// Before layer 0, on the CPU, in pinned memory when they are to travel to a GPU.
    void embed(const TransformerWeights& weights, bool pinned);
    /// False when they are of another number of tokens.
    bool take(const HiddenStore::State& state, bool pinned);
    void save(const HiddenStore& store) const { store.save(layer, all_); }

    /// [n, t, hidden], sharing memory with the whole.
    torch::Tensor states(Part part) const;

    int layer = 0; ///< the one that these are the input of

private:
    static size_t index(Part part) { return static_cast<size_t>(part); }
    int64_t tokenCount() const;
    void hold(const torch::Tensor& all, bool pinned);

    std::array<torch::Tensor, 4> tokens_; ///< by Part
    torch::Tensor all_;                   ///< [1, tokens of all parts, hidden] f32
};

} // namespace caldera
