// Metric "lens": whether a state is nearest to the embedding of its own token.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include <torch/types.h>

#include "core/forward/continuations.h"
#include "core/forward/transformer.h"
#include "core/report/report.h"

namespace caldera {

struct LensSettings {
    int placesPerWindow = 8;
    int64_t negatives = 2048; ///< random other tokens at each place
    uint64_t seed = 0;
};

/// The score of qwen2-caldera-max: share of places where the cosine of state and own embedding
/// beats that with every negative, and the mean lead. It looks at the original model alone, and
/// falls with depth in every model; a baseline to compare with, not a ranking to trust. A layer's
/// cells all have its value, 1 - share.
class LensMetric {
public:
    /// tokens [n, t]. Throws Error("fidelity.vocabulary") for fewer than two tokens; Cancelled, as
    /// all that measures.
    LensMetric(const TransformerWeights& weights, const torch::Tensor& tokens,
               const LensSettings& settings, std::stop_token stop = {});

    struct Score {
        double fidelity = 0; ///< 0 .. 1
        double margin = 0;
    };
    /// hidden [n, t, hidden]: the states after a layer, or the embeddings.
    Score score(const torch::Tensor& hidden) const;

    void measureEmbeddings(const torch::Tensor& hidden, FidelityMetric& metric) const;
    void measureLayer(int layer, const torch::Tensor& hidden, FidelityMetric& metric) const;

    /// Name, description and what holds for all layers.
    FidelityMetric emptyMetric(int layerCount) const;

private:
    double largestCosine(const torch::Tensor& choices, const torch::Tensor& state) const;

    LensSettings settings_;
    std::stop_token stop_;
    torch::Tensor tokens_; ///< [n, t]
    std::vector<TokenPlace> places_;
    torch::Tensor table_;   ///< [tokens that occur, hidden] fp16 on the CPU, each of length 1
    torch::Tensor choices_; ///< [places, 1 + negatives] rows of the table, the own token first
};

} // namespace caldera
