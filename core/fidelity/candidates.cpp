#include "core/fidelity/candidates.h"

#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include <ATen/ATen.h>

#include "core/base/error.h"
#include "core/base/pause.h"

namespace caldera {

namespace {

/// Rows of the embedding table that are compared at a time.
constexpr int64_t kTableRows = 4096;

/// Which tokens may be tried, [vocab] bool.
torch::Tensor usableTokens(const Model& model) {
    torch::Tensor usable = at::zeros({model.config.vocabSize}, at::kBool);
    bool* out = usable.data_ptr<bool>();
    const int known = std::min(model.tokenizer->size(), model.config.vocabSize);
    for (int token = 0; token < known; ++token) {
        out[token] = !model.tokenizer->isSpecial(token);
    }
    return usable;
}

torch::Tensor trueTokens(const torch::Tensor& tokens, const std::vector<TokenPlace>& places) {
    torch::Tensor chosen = at::empty({static_cast<int64_t>(places.size())}, at::kLong);
    for (size_t i = 0; i < places.size(); ++i) {
        chosen[static_cast<int64_t>(i)] = tokens[places[i].sequence][places[i].position];
    }
    return chosen;
}

/// The best `count` tokens of each place, best first, whatever part of the table comes when.
class BestTokens {
public:
    explicit BestTokens(int64_t count) : count_(count) {}

    /// scores [places, tokens] of the tokens from `first` on; higher is better.
    void add(const torch::Tensor& scores, int64_t first) {
        const auto [best, index] = scores.topk(std::min(count_, scores.size(1)), 1);
        if (!scores_.defined()) {
            scores_ = best;
            tokens_ = index + first;
            return;
        }
        const torch::Tensor all = at::cat({scores_, best}, 1);
        const torch::Tensor tokens = at::cat({tokens_, index + first}, 1);
        const auto [kept, place] = all.topk(std::min(count_, all.size(1)), 1);
        scores_ = kept;
        tokens_ = tokens.gather(1, place);
    }
    /// [places, count] int64 on the CPU.
    torch::Tensor tokens() const { return tokens_.cpu(); }

private:
    int64_t count_;
    torch::Tensor scores_, tokens_;
};

torch::Tensor embeddingNeighbours(const TransformerWeights& weights, const torch::Tensor& chosen,
                                  const torch::Tensor& usable, int64_t count,
                                  const std::stop_token& stop) {
    const torch::Tensor own = weights.embed(chosen.unsqueeze(0)).squeeze(0); // [places, hidden]
    BestTokens best(count);
    for (int64_t first = 0; first < usable.size(0); first += kTableRows) {
        checkCancelled(stop);
        const int64_t rows = std::min(kTableRows, usable.size(0) - first);
        const torch::Tensor part =
            weights
                .embed(at::arange(first, first + rows, at::TensorOptions(at::kLong)).unsqueeze(0))
                .squeeze(0);
        const torch::Tensor closeness =
            (2 * at::mm(own, part.t()) - part.square().sum(1))
                .masked_fill(usable.narrow(0, first, rows).logical_not().to(own.device()),
                             -std::numeric_limits<float>::infinity());
        best.add(closeness, first);
    }
    return best.tokens();
}

torch::Tensor likelyTokens(const TransformerWeights& weights, const torch::Tensor& tokens,
                           const std::vector<TokenPlace>& places, const torch::Tensor& usable,
                           int64_t count, Progress& progress, const std::stop_token& stop) {
    torch::Tensor hidden = weights.embed(tokens);
    for (int layer = 0; layer < weights.config().layerCount; ++layer) {
        progress.advance(layer, weights.config().layerCount);
        applyBlock(weights.config(), weights.block(layer), hidden,
                   [&](InputGroup, const torch::Tensor&) { checkCancelled(stop); });
    }
    std::vector<torch::Tensor> before; // a place is predicted by the token before it
    before.reserve(places.size());
    for (const TokenPlace& place : places) {
        before.push_back(hidden[place.sequence][place.position - 1]);
    }
    const torch::Tensor logits = logitsOf(weights, at::stack(before)) // [places, vocab]
                                     .masked_fill(usable.logical_not().to(hidden.device()),
                                                  -std::numeric_limits<float>::infinity());
    return std::get<1>(logits.topk(std::min(count, logits.size(1)), 1)).cpu();
}

/// One place's tokens, each once. A vocabulary is large, so tokens are marked where they are
/// looked up.
class Row {
public:
    Row(int64_t chosen, const torch::Tensor& usable)
        : free_(usable.data_ptr<bool>(), usable.data_ptr<bool>() + usable.size(0)) {
        all_.push_back(chosen);
        free_[static_cast<size_t>(chosen)] = false;
    }

    void takeFrom(const torch::Tensor& tokens, size_t until) {
        for (int64_t i = 0; i < tokens.size(0) && all_.size() < until; ++i) {
            take(tokens[i].item<int64_t>());
        }
    }
    void takeRandom(std::mt19937_64& random, size_t until) {
        while (all_.size() < until) {
            take(static_cast<int64_t>(random() % free_.size()));
        }
    }
    const std::vector<int64_t>& tokens() const { return all_; }

private:
    void take(int64_t token) {
        if (free_[static_cast<size_t>(token)]) {
            all_.push_back(token);
            free_[static_cast<size_t>(token)] = false;
        }
    }

    std::vector<bool> free_; ///< usable and not taken yet
    std::vector<int64_t> all_;
};

} // namespace

std::vector<TokenPlace> samplePlaces(const torch::Tensor& tokens, int64_t count, uint64_t seed) {
    const int64_t length = tokens.size(1) - 1;
    const int64_t available = tokens.size(0) * length;
    std::mt19937_64 random(seed);
    std::set<int64_t> numbers;
    while (static_cast<int64_t>(numbers.size()) < std::min(count, available)) {
        numbers.insert(static_cast<int64_t>(random() % static_cast<uint64_t>(available)));
    }
    std::vector<TokenPlace> places;
    places.reserve(numbers.size());
    for (const int64_t number : numbers) {
        places.push_back({number / length, 1 + number % length});
    }
    return places;
}

torch::Tensor candidateTokens(const Model& model, const TransformerWeights& weights,
                              const torch::Tensor& tokens, const std::vector<TokenPlace>& places,
                              const CandidateSettings& settings, Progress& progress,
                              const std::stop_token& stop) {
    const at::NoGradGuard noGradients;
    const torch::Tensor usable = usableTokens(model);
    const torch::Tensor chosen = trueTokens(tokens, places);
    const int64_t most = usable.sum().item<int64_t>();
    if (most < 2) {
        throw Error("fidelity.vocabulary",
                    "The model has " + std::to_string(most) +
                        " tokens that are not special; at least 2 were needed, since others are "
                        "tried in the place of each. Check its tokenizer.",
                    {{"tokens", std::to_string(most)}});
    }
    const int64_t count = std::clamp<int64_t>(settings.count, 2, most);
    const int64_t third = (count - 1) / 3;
    const torch::Tensor neighbours =
        embeddingNeighbours(weights, chosen, usable, third + 1, stop); // it is its own
    const torch::Tensor likely =
        likelyTokens(weights, tokens, places, usable, count, progress, stop);
    std::mt19937_64 random(settings.seed);
    torch::Tensor candidates = at::empty({chosen.size(0), count}, at::kLong);
    for (int64_t place = 0; place < chosen.size(0); ++place) {
        checkCancelled(stop);
        Row row(chosen[place].item<int64_t>(), usable);
        row.takeFrom(neighbours[place], static_cast<size_t>(1 + third));
        row.takeFrom(likely[place], static_cast<size_t>(1 + 2 * third));
        row.takeRandom(random, static_cast<size_t>(count));
        candidates[place].copy_(at::tensor(row.tokens(), at::kLong));
    }
    return candidates;
}

} // namespace caldera
