#include "kernels/sample/sample.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/sample/weight.h"

namespace caldera::kernels {
namespace {

using Candidate = SampleWorkspace::Candidate;

/// Candidates are first looked for among weights from here on, then from the next lower threshold,
/// ...: a few hundred are ranked instead of a whole vocabulary.
constexpr int32_t kFirstThreshold = kSampleUnit / 16;
constexpr int32_t kNextThreshold = 8;

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

/// As in Hugging Face: a token that was seen loses by the factor, whatever its sign.
void penalise(std::span<float> logits, std::span<const int32_t> seen, double penalty) {
    for (const int32_t token : seen) {
        if (token >= 0 && static_cast<size_t>(token) < logits.size()) {
            float& logit = logits[static_cast<size_t>(token)];
            logit = static_cast<float>(logit > 0 ? logit / penalty : logit * penalty);
        }
    }
}

uint64_t sumOf(std::span<const Candidate> candidates) {
    uint64_t sum = 0;
    for (const Candidate& candidate : candidates) {
        sum += static_cast<uint64_t>(candidate.weight);
    }
    return sum;
}

bool isLikelier(const Candidate& a, const Candidate& b) {
    return a.weight > b.weight || (a.weight == b.weight && a.token < b.token);
}

/// The share of a weight that must be reached.
uint64_t shareOf(double share, uint64_t weight) {
    const double wanted = std::ceil(share * static_cast<double>(weight));
    return std::max<uint64_t>(1, static_cast<uint64_t>(wanted));
}

/// weight * random / 2^64, rounded down.
uint64_t placeIn(uint64_t weight, uint64_t random) {
    constexpr uint64_t kLow = 0xFFFFFFFFU;
    const uint64_t middle = (weight & kLow) * (random >> 32) +
                            ((weight & kLow) * (random & kLow) >> 32); // no carry: below 2^64
    const uint64_t other = (weight >> 32) * (random & kLow) + (middle & kLow);
    return (weight >> 32) * (random >> 32) + (middle >> 32) + (other >> 32);
}

/// One row on its way to a token.
class Row {
public:
    Row(const SampleChoice& choice, SampleWorkspace& workspace)
        : choice_(choice), weights_(workspace.weights), candidates_(workspace.candidates),
          ranked_(workspace.ranked) {}

    void weigh(std::span<const float> logits, float largest) {
        const float sharpness = choice_.sharpness; // here, so that the loop becomes SIMD
        weights_.resize(logits.size());
        std::transform(logits.begin(), logits.end(), weights_.begin(),
                       [=](float logit) { return sample::weightOf(logit, largest, sharpness); });
        total_ = 0;
        for (const int32_t weight : weights_) {
            total_ += static_cast<uint32_t>(weight);
        }
    }

    /// Leaves as candidates, by token, what top-k, then top-p, then the least weight allow.
    void gather() {
        if (choice_.topK == 0 && choice_.topP >= 1) {
            collect(choice_.leastWeight);
            return;
        }
        int32_t least = kFirstThreshold;
        while (!collect(least) && least > 1) {
            least = std::max(1, least / kNextThreshold);
        }
        const Candidate last = leastLikelyKept();
        std::erase_if(candidates_, [&](const Candidate& candidate) {
            return isLikelier(last, candidate) || candidate.weight < choice_.leastWeight;
        });
    }

    int32_t draw() const {
        uint64_t place = placeIn(sumOf(candidates_), choice_.random);
        size_t i = 0;
        while (place >= static_cast<uint64_t>(candidates_[i].weight)) {
            place -= static_cast<uint64_t>(candidates_[i].weight);
            ++i;
        }
        return candidates_[i].token;
    }

private:
    /// Candidates of at least some weight; true when top-k and top-p keep none below it.
    bool collect(int32_t least) {
        candidates_.clear();
        uint64_t sum = 0;
        for (size_t i = 0; i < weights_.size(); ++i) {
            if (weights_[i] >= least) {
                candidates_.push_back({static_cast<int32_t>(i), weights_[i]});
                sum += static_cast<uint64_t>(weights_[i]);
            }
        }
        return choice_.topK > 0 ? candidates_.size() >= static_cast<size_t>(choice_.topK)
                                : sum >= shareOf(choice_.topP, total_);
    }

    /// Of what top-k and top-p keep. Nothing is sorted: the right part is halved again and again.
    Candidate leastLikelyKept() {
        ranked_ = candidates_;
        if (choice_.topK > 0) {
            const auto kept = std::min(ranked_.size(), static_cast<size_t>(choice_.topK));
            std::nth_element(ranked_.begin(),
                             ranked_.begin() + static_cast<std::ptrdiff_t>(kept) - 1, ranked_.end(),
                             isLikelier);
            ranked_.resize(kept);
            total_ = sumOf(ranked_);
        }
        uint64_t missing = shareOf(choice_.topP, total_);
        std::span<Candidate> rest = ranked_; // all before it are kept
        while (rest.size() > 1) {
            const auto middle = rest.begin() + std::ssize(rest) / 2;
            std::nth_element(rest.begin(), middle, rest.end(), isLikelier);
            const std::span<Candidate> likelier(rest.begin(), middle);
            const uint64_t sum = sumOf(likelier);
            rest = sum >= missing ? likelier : std::span<Candidate>(middle, rest.end());
            missing -= sum >= missing ? 0 : sum;
        }
        return rest.front();
    }

    const SampleChoice& choice_;
    std::vector<int32_t>& weights_;
    std::vector<Candidate>& candidates_;
    std::vector<Candidate>& ranked_;
    uint64_t total_ = 0; ///< the weight that top-p is a share of
};

} // namespace

int32_t sampleToken(const SampleChoice& choice, std::span<const int32_t> seen,
                    std::span<float> logits, SampleWorkspace& workspace) {
    if (choice.penalty != 1) {
        penalise(logits, seen, choice.penalty);
    }
    const float largest = largestOf(logits);
    if (!std::isfinite(largest)) {
        return kNoToken;
    }
    if (choice.sharpness == 0) {
        return static_cast<int32_t>(std::find(logits.begin(), logits.end(), largest) -
                                    logits.begin());
    }
    Row row(choice, workspace);
    row.weigh(logits, largest);
    row.gather();
    return row.draw();
}

} // namespace caldera::kernels
