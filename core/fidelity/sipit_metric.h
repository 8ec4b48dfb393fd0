// Metric "sipit": whether the original tells the token of a state that compression disturbed.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/fidelity/layer_view.h"
#include "core/fidelity/sipit_scores.h"
#include "core/forward/continuations.h"
#include "core/job/progress.h"
#include "core/model/model.h"
#include "core/report/report.h"

namespace caldera {

/// Where states are compared: as the next norm leaves them to whoever reads them, or each feature
/// by its standard deviation over the text.
enum class StateSpace { Normed, Standardized };

struct SipItSettings {
    int64_t places = 128;     ///< of the held-out text
    int64_t candidates = 128; ///< tokens tried at each, the true one included
    StateSpace space = StateSpace::Normed;
    uint64_t seed = 0;
};

/// Candidates pass through the original, one step each on the true prefix; the observed state comes
/// from the layer with the errors of one module (the cell's value), of all its modules (isolated)
/// or of all layers up to it (cumulative). After SipIt (arXiv 2510.15511), whose own test, a model
/// that inverts itself, always succeeds and ranks nothing.
class SipItMetric {
public:
    /// tokens [n, t]. Chooses places and candidates: one pass through the model.
    SipItMetric(std::shared_ptr<const Model> model,
                std::shared_ptr<const TransformerWeights> weights, const torch::Tensor& tokens,
                const SipItSettings& settings, Progress& progress, std::stop_token stop);

    /// Tokens [places, candidates] int64, the true one first.
    const torch::Tensor& candidates() const { return candidates_; }

    /// States that a layer takes on to the next.
    struct States {
        torch::Tensor tried;      ///< of the candidates [places, candidates, hidden]
        torch::Tensor cumulative; ///< of the disturbed model [n, t, hidden]
    };
    /// Replaces the states by those after the layer. With a metric also measures the layer;
    /// `output` are the original's states after it [n, t, hidden].
    void passLayer(const LayerView& view, const torch::Tensor& output, States states,
                   FidelityMetric* metric) const;

    /// Name, description and what holds for all layers.
    FidelityMetric emptyMetric(int layerCount) const;

private:
    torch::Tensor spaceScale(int layer, const torch::Tensor& output) const;
    torch::Tensor inSpace(const torch::Tensor& states, const torch::Tensor& scale) const;
    torch::Tensor atPlaces(const torch::Tensor& hidden) const;
    Recovery recovery(const torch::Tensor& disturbed, const torch::Tensor& candidates,
                      const torch::Tensor& scale) const;

    std::shared_ptr<const Model> model_;
    std::shared_ptr<const TransformerWeights> weights_;
    SipItSettings settings_;
    std::stop_token stop_;
    std::vector<TokenPlace> places_;
    torch::Tensor candidates_; ///< [places, candidates] int64
};

} // namespace caldera
