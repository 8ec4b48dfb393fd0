#include "core/fidelity/sipit_metric.h"

#include <limits>
#include <utility>

#include <ATen/ATen.h>

#include "core/fidelity/candidates.h"
#include "core/linalg/random.h"
#include "core/report/reported_seed.h"
#include "core/report/value_interval.h"

namespace caldera {

namespace {

constexpr const char* kDescription =
    "Noise ratio of states that compression disturbed: twice their distance from the true token's "
    "state over that token's distance from the nearest other candidate, geometric mean over "
    "places. Below 1 the original recovers the token for certain. Higher is more fragile.";

// What the errors of a layer's numbers are in; before the number's name.
constexpr const char* kIsolated = "isolated_";
constexpr const char* kCumulative = "cumulative_";

void recordLayer(FidelityMetric& metric, const std::string& errors, int layer,
                 const Recovery& recovery) {
    const auto put = [&](const std::string& name, const MeanInterval& found) {
        const auto at = static_cast<size_t>(layer);
        metric.layers.at(errors + name).at(at) = found.mean;
        if (found.isKnown()) {
            metric.layers.at(lowEndOf(errors + name)).at(at) = found.low;
            metric.layers.at(highEndOf(errors + name)).at(at) = found.high;
        }
    };
    put(kNoiseRatio, recovery.noiseRatio);
    put(kRecovery, recovery.recovered);
}

void recordCell(FidelityMetric& metric, Cell cell, const Recovery& recovery) {
    const auto putEnds = [&](const std::string& name, const MeanInterval& found) {
        if (found.isKnown()) {
            metric.details[lowEndOf(name)][cell] = found.low;
            metric.details[highEndOf(name)][cell] = found.high;
        }
    };
    metric.values[cell] = recovery.noiseRatio.mean;
    putEnds(kNoiseRatio, recovery.noiseRatio);
    metric.details[kRecovery][cell] = recovery.recovered.mean;
    putEnds(kRecovery, recovery.recovered);
    metric.details[kMargin][cell] = recovery.margin.mean;
    putEnds(kMargin, recovery.margin);
    metric.details["margin_p10"][cell] = recovery.lowMargin;
}

} // namespace

SipItMetric::SipItMetric(std::shared_ptr<const Model> model,
                         std::shared_ptr<const TransformerWeights> weights,
                         const torch::Tensor& tokens, const SipItSettings& settings,
                         Progress& progress, std::stop_token stop)
    : model_(std::move(model)), weights_(std::move(weights)), settings_(settings),
      stop_(std::move(stop)),
      places_(samplePlaces(tokens, settings.places, deriveSeed(settings.seed, "places"))),
      candidates_(candidateTokens(*model_, *weights_, tokens, places_,
                                  {settings.candidates, deriveSeed(settings.seed, "candidates")},
                                  progress, stop_)) {}

/// What states after the layer are divided by or, for a norm, its weight.
torch::Tensor SipItMetric::spaceScale(int layer, const torch::Tensor& output) const {
    if (settings_.space == StateSpace::Standardized) {
        return output.view({-1, output.size(-1)}).std(0, false).clamp_min(1e-12);
    }
    const bool isLast = layer + 1 == weights_->config().layerCount;
    const std::string norm =
        isLast ? "model.norm.weight"
               : "model.layers." + std::to_string(layer + 1) + ".input_layernorm.weight";
    return at::tensor(model_->weights->read(norm), at::kFloat).to(output.device());
}

torch::Tensor SipItMetric::inSpace(const torch::Tensor& states, const torch::Tensor& scale) const {
    return settings_.space == StateSpace::Standardized
               ? states / scale
               : rmsNorm(states, scale, weights_->config().rmsNormEpsilon);
}

torch::Tensor SipItMetric::atPlaces(const torch::Tensor& hidden) const {
    std::vector<torch::Tensor> states;
    states.reserve(places_.size());
    for (const TokenPlace& place : places_) {
        states.push_back(hidden[place.sequence][place.position]);
    }
    return at::stack(states); // [places, hidden]
}

Recovery SipItMetric::recovery(const torch::Tensor& disturbed, const torch::Tensor& candidates,
                               const torch::Tensor& scale) const {
    return summarize(recoveryScores(inSpace(atPlaces(disturbed), scale), candidates),
                     deriveSeed(settings_.seed, "bootstrap"));
}

void SipItMetric::passLayer(const LayerView& view, const torch::Tensor& output, States states,
                            FidelityMetric* metric) const {
    const ModelConfig& config = weights_->config();
    applyBlock(config, view.disturbed, states.cumulative);
    checkCancelled(stop_);
    applyBlockToContinuations(config, view.weights, view.input, places_, states.tried, stop_);
    if (metric == nullptr) {
        return;
    }
    const torch::Tensor scale = spaceScale(view.layer, output);
    const torch::Tensor candidates = inSpace(states.tried, scale);
    for (const Module module : kModules) {
        checkCancelled(stop_);
        recordCell(*metric, {view.layer, module},
                   recovery(blockForward(config, view.disturbedIn(module), view.input), candidates,
                            scale));
    }
    recordLayer(*metric, kIsolated, view.layer,
                recovery(blockForward(config, view.disturbed, view.input), candidates, scale));
    recordLayer(*metric, kCumulative, view.layer, recovery(states.cumulative, candidates, scale));
}

FidelityMetric SipItMetric::emptyMetric(int layerCount) const {
    FidelityMetric metric{"sipit", kDescription, {}};
    const std::vector<double> unmeasured(static_cast<size_t>(layerCount),
                                         std::numeric_limits<double>::quiet_NaN());
    for (const char* errors : {kIsolated, kCumulative}) {
        for (const char* number : {kNoiseRatio, kRecovery}) {
            const std::string name = std::string(errors) + number;
            metric.layers[name] = unmeasured;
            metric.layers[lowEndOf(name)] = unmeasured;
            metric.layers[highEndOf(name)] = unmeasured;
        }
    }
    metric.numbers = {{"places", static_cast<double>(candidates_.size(0))},
                      {"candidates", static_cast<double>(candidates_.size(1))},
                      {"confidence", 0.95},
                      {"standardized", settings_.space == StateSpace::Standardized ? 1.0 : 0.0}};
    addSeed(metric.numbers, settings_.seed);
    return metric;
}

} // namespace caldera
