#include "core/runtime/sampler.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "core/base/error.h"
#include "core/base/text.h"

namespace caldera {

namespace {

void require(bool fine, const std::string& name, double value, const std::string& needed) {
    if (!fine) {
        throw Error("engine.sampling",
                    "Sampling got " + name + " = " + numberText(value) + "; it must be " + needed +
                        ".",
                    {{"name", name}, {"value", numberText(value)}, {"needed", needed}});
    }
}

/// As in Hugging Face: a token that was seen loses by the factor, whatever its sign.
void penalise(std::vector<float>& logits, std::span<const Token> history, double penalty) {
    const std::unordered_set<Token> seen(history.begin(), history.end());
    for (const Token token : seen) {
        if (token >= 0 && static_cast<size_t>(token) < logits.size()) {
            float& logit = logits[static_cast<size_t>(token)];
            logit = static_cast<float>(logit > 0 ? logit / penalty : logit * penalty);
        }
    }
}

} // namespace

Sampler::Sampler(const SamplingOptions& options) : options_(options), random_(options.seed) {
    require(options.temperature >= 0 && std::isfinite(options.temperature), "temperature",
            options.temperature, "0 (greedy) or more");
    require(options.topP > 0 && options.topP <= 1, "top_p", options.topP, "above 0 and at most 1");
    require(options.topK >= 0, "top_k", options.topK, "0 (off) or more");
    require(options.repetitionPenalty > 0 && std::isfinite(options.repetitionPenalty),
            "repetition_penalty", options.repetitionPenalty, "above 0 (1 is off)");
}

Token Sampler::choose(std::span<const float> logits, std::span<const Token> history) {
    logits_.assign(logits.begin(), logits.end());
    if (options_.repetitionPenalty != 1.0) {
        penalise(logits_, history, options_.repetitionPenalty);
    }
    // A comparison with NaN is false, so NaN never wins.
    Token best = -1;
    for (size_t i = 0; i < logits_.size(); ++i) {
        if (best < 0 ? std::isfinite(logits_[i])
                     : logits_[i] > logits_[static_cast<size_t>(best)]) {
            best = static_cast<Token>(i);
        }
    }
    if (best < 0) {
        throw Error("engine.logits",
                    "The model computed no finite logit, so there is no next token. The artifact "
                    "is damaged or was compressed from a broken model; evaluate it to see where.");
    }
    if (options_.temperature == 0) {
        return best;
    }
    candidates_.clear();
    for (size_t i = 0; i < logits_.size(); ++i) {
        if (!std::isnan(logits_[i])) {
            candidates_.push_back({static_cast<Token>(i), logits_[i]});
        }
    }
    return draw();
}

Token Sampler::draw() {
    const auto likelier = [](const Candidate& a, const Candidate& b) {
        return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
    };
    if (options_.topK > 0 && static_cast<size_t>(options_.topK) < candidates_.size()) {
        std::nth_element(candidates_.begin(), candidates_.begin() + options_.topK,
                         candidates_.end(), likelier);
        candidates_.resize(static_cast<size_t>(options_.topK));
    }
    std::sort(candidates_.begin(), candidates_.end(), likelier);
    const double largest = candidates_.front().logit;
    std::vector<double> weights;
    double total = 0;
    for (const Candidate& candidate : candidates_) {
        weights.push_back(std::exp((candidate.logit - largest) / options_.temperature));
        total += weights.back();
    }
    size_t kept = 0;
    double keptWeight = 0;
    while (kept < weights.size() && (kept == 0 || keptWeight < options_.topP * total)) {
        keptWeight += weights[kept++];
    }
    // 53 random bits, not std::uniform_real_distribution, whose result libraries may choose.
    double rest = static_cast<double>(random_() >> 11) * 0x1.0p-53 * keptWeight;
    for (size_t i = 0; i < kept; ++i) {
        rest -= weights[i];
        if (rest < 0) {
            return candidates_[i].token;
        }
    }
    return candidates_[kept - 1].token;
}

} // namespace caldera
