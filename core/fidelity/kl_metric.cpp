#include "core/fidelity/kl_metric.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <utility>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/evaluate/evaluation_summary.h"
#include "core/evaluate/token_scores.h"
#include "core/fidelity/finite.h"
#include "core/fidelity/rounded_table.h"
#include "core/job/progress.h"
#include "core/model/logit_slice.h"
#include "core/report/standard_error.h"

namespace caldera {

namespace {

/// Logits of states [tokens, hidden] after the last layer, which may lie elsewhere than the head.
torch::Tensor sliceLogits(const TransformerWeights& weights, const torch::Tensor& norm,
                          const torch::Tensor& head, const torch::Tensor& states) {
    return logitsOf(weights.config(), norm, head, states.to(head.device()));
}

KlMetric::Divergence divergenceOf(const std::vector<double>& each) {
    const double mean =
        std::accumulate(each.begin(), each.end(), 0.0) / static_cast<double>(each.size());
    if (!std::isfinite(mean)) {
        throw Error("fidelity.not-finite",
                    "Errors of the plan's size make the model predict NaN or infinity, so that "
                    "there is no divergence. Give the plan more bits or rank.");
    }
    return {mean, standardError(each)};
}

auto tableRecorder(const char* table, int bits) {
    return [table, bits](FidelityMetric& metric, const KlMetric::Divergence& divergence) {
        metric.tables.push_back({table, bits, divergence.mean});
    };
}

} // namespace

KlMetric::KlMetric(std::shared_ptr<const TransformerWeights> weights, std::stop_token stop)
    : weights_(std::move(weights)), stop_(std::move(stop)) {}

void KlMetric::branchTables(const torch::Tensor& embedded) {
    const bool isTied = weights_->config().tiedEmbeddings;
    for (const int bits : {8, 4}) {
        variants_.push_back({tableRecorder(kEmbeddingTable, bits), roundedRows(embedded, bits),
                             isTied ? bits : 16});
        if (!isTied) {
            variants_.push_back({tableRecorder(kHeadTable, bits), {}, bits});
        }
    }
}

void KlMetric::passLayer(const LayerView& view) {
    for (Variant& variant : variants_) {
        checkCancelled(stop_);
        if (variant.hidden.defined()) {
            applyBlock(weights_->config(), view.weights, variant.hidden);
        }
    }
    for (const Module module : kModules) {
        checkCancelled(stop_);
        branchCell(view, module);
    }
}

void KlMetric::branchCell(const LayerView& view, Module module) {
    const Cell cell{view.layer, module};
    variants_.push_back({[cell](FidelityMetric& metric, const Divergence& divergence) {
                             metric.values[cell] = divergence.mean;
                             metric.details[kStandardError][cell] = divergence.error;
                         },
                         blockForward(weights_->config(), view.disturbedIn(module), view.input)});
}

/// Takes the original's states and all variants' to the end; returns the original's.
torch::Tensor KlMetric::passOn(int layer, const torch::Tensor& hidden, const Passed& passed) {
    torch::Tensor original = hidden.clone();
    for (int next = layer + 1; next < weights_->config().layerCount; ++next) {
        checkCancelled(stop_);
        const BlockWeights block = weights_->block(next);
        applyBlock(weights_->config(), block, original);
        requireFiniteStates(next, original); // or the plan would be blamed for the model's file
        for (Variant& variant : variants_) {
            checkCancelled(stop_);
            if (variant.hidden.defined()) {
                applyBlock(weights_->config(), block, variant.hidden);
            }
        }
        passed(openVariants());
    }
    return original;
}

void KlMetric::scoreWithHead(const torch::Tensor& last, int headBits, FidelityMetric& metric) {
    const torch::Tensor norm = weights_->finalNorm();
    const torch::Tensor head = weights_->head();
    const torch::Tensor rounded = headBits == 16 ? head : roundedRows(head, headBits);
    const auto flat = [](const torch::Tensor& states) {
        return states.view({-1, states.size(-1)}); // [tokens, hidden]
    };
    const torch::Tensor original = flat(last);
    const int64_t tokens = original.size(0);
    const int64_t slice = logitSlice(weights_->config());
    std::vector<TokenScores> scores(variants_.size());
    for (int64_t first = 0; first < tokens; first += slice) {
        const int64_t count = std::min(slice, tokens - first);
        const torch::Tensor reference =
            sliceLogits(*weights_, norm, head, original.narrow(0, first, count));
        requireFinitePredictions(reference);
        const torch::Tensor targets = at::zeros({count}, reference.options().dtype(at::kLong));
        for (size_t i = 0; i < variants_.size(); ++i) {
            if (variants_[i].headBits != headBits) {
                continue;
            }
            checkCancelled(stop_);
            const torch::Tensor states =
                variants_[i].hidden.defined() ? flat(variants_[i].hidden) : original;
            scoreTokens(sliceLogits(*weights_, norm, rounded, states.narrow(0, first, count)),
                        reference.clone(), targets, scores[i]);
        }
    }
    for (size_t i = 0; i < variants_.size(); ++i) {
        if (variants_[i].headBits == headBits) {
            variants_[i].record(metric, divergenceOf(scores[i].divergence));
        }
    }
}

void KlMetric::finish(int layer, const torch::Tensor& hidden, FidelityMetric& metric,
                      const Passed& passed) {
    const torch::Tensor last = passOn(layer, hidden, passed);
    std::set<int, std::greater<>> headBits;
    for (const Variant& variant : variants_) {
        headBits.insert(variant.headBits);
    }
    for (const int bits : headBits) {
        scoreWithHead(last, bits, metric);
    }
    variants_.clear();
}

} // namespace caldera
