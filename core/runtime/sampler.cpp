#include "core/runtime/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "core/base/text.h"
#include "kernels/dense/dense.h"

namespace caldera {

namespace {

/// Sharper than this is greedy, and would leave the range of f32.
constexpr double kLeastTemperature = 1e-6;
/// Candidates are first looked for among weights above this, then above the next lower, ...: a few
/// hundred are sorted instead of a whole vocabulary.
constexpr float kFirstThreshold = 1.0F / 16;
constexpr float kNextThreshold = 1.0F / 8;
constexpr float kLastThreshold = 1e-30F;

void require(bool fine, const std::string& name, double value, const std::string& needed) {
    if (!fine) {
        throw Error("engine.sampling",
                    "Sampling got " + name + " = " + numberText(value) + "; it must be " + needed +
                        ".",
                    {{"name", name}, {"value", numberText(value)}, {"needed", needed}});
    }
}

/// NaN counts as the least; -inf when there is nothing else.
float largestOf(std::span<const float> values) {
    constexpr size_t kLanes = 16;
    std::array<float, kLanes> largest{};
    largest.fill(-std::numeric_limits<float>::infinity());
    const auto take = [&largest](size_t lane, float value) {
        largest[lane] = value > largest[lane] ? value : largest[lane];
    };
    size_t i = 0;
    for (; i + kLanes <= values.size(); i += kLanes) {
        for (size_t lane = 0; lane < kLanes; ++lane) {
            take(lane, values[i + lane]);
        }
    }
    for (; i < values.size(); ++i) {
        take(0, values[i]);
    }
    return *std::max_element(largest.begin(), largest.end());
}

} // namespace

Sampler::Sampler(const SamplingOptions& options) : options_(options), random_(options.seed) {
    require(options.temperature >= 0 && std::isfinite(options.temperature), "temperature",
            options.temperature, "0 (greedy) or more");
    require(options.topP > 0 && options.topP <= 1, "top_p", options.topP, "above 0 and at most 1");
    require(options.topK >= 0, "top_k", options.topK, "0 (off) or more");
    require(options.minP >= 0 && options.minP <= 1, "min_p", options.minP, "from 0 (off) to 1");
    require(options.repetitionPenalty > 0 && std::isfinite(options.repetitionPenalty),
            "repetition_penalty", options.repetitionPenalty, "above 0 (1 is off)");
    require(options.maxTokens >= 1, "max_tokens", options.maxTokens, "1 or more");
}

Token Sampler::choose(std::span<const float> logits, std::span<const Token> history) {
    if (options_.repetitionPenalty != 1.0) {
        logits = penalised(logits, history);
    }
    const float largest = largestOf(logits);
    if (!std::isfinite(largest)) {
        throw Error(
            "engine.logits",
            "The largest of the model's logits is no finite number, so there is no next token. The "
            "artifact is damaged or was compressed from a broken model; evaluate it to see where.");
    }
    if (options_.temperature == 0) {
        return static_cast<Token>(std::find(logits.begin(), logits.end(), largest) -
                                  logits.begin());
    }
    weigh(logits, largest);
    gather();
    return draw();
}

/// As in Hugging Face: a token that was seen loses by the factor, whatever its sign.
std::span<const float> Sampler::penalised(std::span<const float> logits,
                                          std::span<const Token> history) {
    seen_.insert(history.begin() + static_cast<std::ptrdiff_t>(seenTokens_), history.end());
    seenTokens_ = history.size();
    penalised_.assign(logits.begin(), logits.end());
    for (const Token token : seen_) {
        if (token >= 0 && static_cast<size_t>(token) < penalised_.size()) {
            float& logit = penalised_[static_cast<size_t>(token)];
            logit = static_cast<float>(logit > 0 ? logit / options_.repetitionPenalty
                                                 : logit * options_.repetitionPenalty);
        }
    }
    return penalised_;
}

/// Fills weights_ and total_.
void Sampler::weigh(std::span<const float> logits, float largest) {
    const auto sharpness =
        static_cast<float>(1 / std::max(options_.temperature, kLeastTemperature));
    weights_.resize(logits.size());
    std::transform(logits.begin(), logits.end(), weights_.begin(), [=](float logit) {
        return std::isnan(logit) ? -std::numeric_limits<float>::infinity()
                                 : (logit - largest) * sharpness;
    });
    total_ = kernels::expAndSum(weights_.data(), std::ssize(weights_), 0);
}

/// Candidates of at least some weight; true when top-k and top-p keep none below it.
bool Sampler::collect(double least) {
    candidates_.clear();
    double sum = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
        if (weights_[i] >= least && weights_[i] > 0) {
            candidates_.push_back({static_cast<Token>(i), weights_[i]});
            sum += weights_[i];
        }
    }
    return options_.topK > 0 ? candidates_.size() >= static_cast<size_t>(options_.topK)
                             : sum >= options_.topP * total_;
}

/// Leaves in candidates_, by token, what top-k, then top-p, then min-p allow.
void Sampler::gather() {
    if (options_.topK == 0 && options_.topP == 1) {
        collect(options_.minP);
        return;
    }
    float least = kFirstThreshold;
    while (!collect(least) && least > 0) {
        least = least > kLastThreshold ? least * kNextThreshold : 0;
    }
    const Candidate last = leastLikelyKept(candidates_);
    std::erase_if(candidates_, [&](const Candidate& candidate) {
        return isLikelier(last, candidate) || candidate.weight < options_.minP;
    });
}

/// Of what top-k and top-p keep. Nothing is sorted: the right part is halved again and again.
Sampler::Candidate Sampler::leastLikelyKept(std::vector<Candidate> ranked) {
    if (options_.topK > 0) {
        const auto kept = std::min(ranked.size(), static_cast<size_t>(options_.topK));
        std::nth_element(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(kept) - 1,
                         ranked.end(), isLikelier);
        ranked.resize(kept);
        total_ = sumOf(ranked);
    }
    double missing =
        options_.topP < 1 ? options_.topP * total_ : std::numeric_limits<double>::infinity();
    std::span<Candidate> rest = ranked; // all before it are kept
    while (rest.size() > 1) {
        const auto middle = rest.begin() + std::ssize(rest) / 2;
        std::nth_element(rest.begin(), middle, rest.end(), isLikelier);
        const std::span<Candidate> likelier(rest.begin(), middle);
        const double sum = sumOf(likelier);
        rest = sum >= missing ? likelier : std::span<Candidate>(middle, rest.end());
        missing -= sum >= missing ? 0 : sum;
    }
    return rest.front();
}

Token Sampler::draw() {
    double rest = 0;
    for (const Candidate& candidate : candidates_) {
        rest += candidate.weight;
    }
    // 53 random bits, not std::uniform_real_distribution, whose result libraries may choose.
    rest *= static_cast<double>(random_() >> 11) * 0x1.0p-53;
    for (const Candidate& candidate : candidates_) {
        rest -= candidate.weight;
        if (rest < 0) {
            return candidate.token;
        }
    }
    return candidates_.back().token;
}

double Sampler::sumOf(std::span<const Candidate> candidates) {
    double sum = 0;
    for (const Candidate& candidate : candidates) {
        sum += candidate.weight;
    }
    return sum;
}

bool Sampler::isLikelier(const Candidate& a, const Candidate& b) {
    return a.weight > b.weight || (a.weight == b.weight && a.token < b.token);
}

} // namespace caldera
