#include "core/fidelity/lens_metric.h"

#include <algorithm>
#include <limits>
#include <random>
#include <utility>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/base/pause.h"
#include "core/report/reported_seed.h"

namespace caldera {

namespace {

constexpr const char* kDescription =
    "1 - share of places where the state after the layer is nearer (by cosine) to its own token's "
    "embedding than to any of some random ones: the score of qwen2-caldera-max, of the original "
    "model alone. Higher is more fragile.";

/// Rows of the table that are normalized at a time.
constexpr int64_t kTableRows = 4096;

torch::Tensor unit(const torch::Tensor& x) {
    return x / x.square().sum(-1, true).sqrt().clamp_min(1e-12);
}

/// Some places of each sequence, each once, in text order.
std::vector<TokenPlace> placesOf(const torch::Tensor& tokens, int perWindow,
                                 std::mt19937_64& random) {
    std::vector<TokenPlace> places;
    const int64_t length = tokens.size(1);
    for (int64_t sequence = 0; sequence < tokens.size(0); ++sequence) {
        std::vector<int64_t> positions(static_cast<size_t>(length));
        for (int64_t i = 0; i < length; ++i) {
            positions[static_cast<size_t>(i)] = i;
        }
        const int64_t count = std::min<int64_t>(perWindow, length);
        for (int64_t i = 0; i < count; ++i) {
            const uint64_t left = static_cast<uint64_t>(length - i);
            std::swap(positions[static_cast<size_t>(i)],
                      positions[static_cast<size_t>(i) + random() % left]);
        }
        std::sort(positions.begin(), positions.begin() + count);
        for (int64_t i = 0; i < count; ++i) {
            places.push_back({sequence, positions[static_cast<size_t>(i)]});
        }
    }
    return places;
}

/// [places, 1 + negatives] token ids, the own one first and nowhere else.
torch::Tensor choicesOf(const torch::Tensor& tokens, const std::vector<TokenPlace>& places,
                        int64_t negatives, int64_t vocabulary, std::mt19937_64& random,
                        const std::stop_token& stop) {
    torch::Tensor choices =
        at::empty({static_cast<int64_t>(places.size()), 1 + negatives}, at::kLong);
    int64_t* out = choices.data_ptr<int64_t>();
    for (const TokenPlace& place : places) {
        checkCancelled(stop);
        const auto own = tokens[place.sequence][place.position].item<int64_t>();
        *out++ = own;
        for (int64_t i = 0; i < negatives; ++i) {
            // One of the others, each as likely.
            const auto other =
                static_cast<int64_t>(random() % static_cast<uint64_t>(vocabulary - 1));
            *out++ = other < own ? other : other + 1;
        }
    }
    return choices;
}

/// Puts into choices [places, n], for each token, its number among the tokens that occur there;
/// returns these, ascending.
torch::Tensor numberRows(torch::Tensor& choices, int64_t vocabulary, const std::stop_token& stop) {
    torch::Tensor occurs = at::zeros({vocabulary}, at::kBool);
    for (int64_t place = 0; place < choices.size(0); ++place) {
        checkCancelled(stop);
        occurs.index_fill_(0, choices[place], true);
    }
    const torch::Tensor number = occurs.cumsum(0) - 1;
    for (int64_t place = 0; place < choices.size(0); ++place) {
        checkCancelled(stop);
        choices[place].copy_(number.index_select(0, choices[place]));
    }
    return occurs.nonzero().squeeze(1);
}

} // namespace

LensMetric::LensMetric(const TransformerWeights& weights, const torch::Tensor& tokens,
                       const LensSettings& settings, std::stop_token stop)
    : settings_(settings), stop_(std::move(stop)), tokens_(tokens) {
    if (weights.config().vocabSize < 2) {
        throw Error("fidelity.vocabulary",
                    "The model has a vocabulary of " + std::to_string(weights.config().vocabSize) +
                        "; at least 2 tokens were needed, since each is compared with others.");
    }
    std::mt19937_64 random(settings.seed);
    places_ = placesOf(tokens, settings.placesPerWindow, random);
    const int vocabulary = weights.config().vocabSize;
    choices_ = choicesOf(tokens, places_, settings.negatives, vocabulary, random, stop_);
    const torch::Tensor distinct = numberRows(choices_, vocabulary, stop_);
    table_ = at::empty({distinct.size(0), weights.config().hiddenSize}, at::kHalf);
    for (int64_t first = 0; first < distinct.size(0); first += kTableRows) {
        checkCancelled(stop_);
        const int64_t count = std::min(kTableRows, distinct.size(0) - first);
        const torch::Tensor rows =
            weights.embed(distinct.narrow(0, first, count).unsqueeze(0)).squeeze(0).cpu();
        table_.narrow(0, first, count).copy_(unit(rows));
    }
}

/// choices [n] rows of the table, of which a slice is unpacked at a time.
double LensMetric::largestCosine(const torch::Tensor& choices, const torch::Tensor& state) const {
    double largest = -std::numeric_limits<double>::infinity();
    for (const torch::Tensor& slice : choices.split(kTableRows)) {
        checkCancelled(stop_);
        const torch::Tensor rows = table_.index_select(0, slice).to(at::kFloat); // [n, hidden]
        largest = std::max(largest, at::mv(rows, state).max().item<double>());
    }
    return largest;
}

LensMetric::Score LensMetric::score(const torch::Tensor& hidden) const {
    int64_t nearest = 0;
    double margins = 0;
    for (size_t i = 0; i < places_.size(); ++i) {
        const TokenPlace& place = places_[i];
        const torch::Tensor state =
            unit(hidden[place.sequence][place.position].to(at::kCPU, at::kFloat));
        const torch::Tensor choices = choices_[static_cast<int64_t>(i)];
        const double own = largestCosine(choices.narrow(0, 0, 1), state);
        const double others = largestCosine(choices.narrow(0, 1, choices.size(0) - 1), state);
        nearest += own >= others ? 1 : 0;
        margins += own - others;
    }
    const auto count = static_cast<double>(places_.size());
    return {static_cast<double>(nearest) / count, margins / count};
}

void LensMetric::measureEmbeddings(const torch::Tensor& hidden, FidelityMetric& metric) const {
    const Score score = this->score(hidden);
    metric.numbers["embeddings_fidelity"] = score.fidelity;
    metric.numbers["embeddings_margin"] = score.margin;
}

void LensMetric::measureLayer(int layer, const torch::Tensor& hidden,
                              FidelityMetric& metric) const {
    const Score score = this->score(hidden);
    metric.layers.at("fidelity").at(static_cast<size_t>(layer)) = score.fidelity;
    metric.layers.at("margin").at(static_cast<size_t>(layer)) = score.margin;
    for (const Module module : kModules) {
        metric.values[{layer, module}] = 1 - score.fidelity;
    }
}

FidelityMetric LensMetric::emptyMetric(int layerCount) const {
    FidelityMetric metric{"lens", kDescription, {}};
    for (const char* name : {"fidelity", "margin"}) {
        metric.layers[name].assign(static_cast<size_t>(layerCount),
                                   std::numeric_limits<double>::quiet_NaN());
    }
    metric.numbers = {{"samples", static_cast<double>(tokens_.size(0))},
                      {"samples_per_seq", settings_.placesPerWindow},
                      {"negatives", static_cast<double>(settings_.negatives)},
                      {"max_length", static_cast<double>(tokens_.size(1))},
                      {"places", static_cast<double>(places_.size())}};
    addSeed(metric.numbers, settings_.seed);
    return metric;
}

} // namespace caldera
