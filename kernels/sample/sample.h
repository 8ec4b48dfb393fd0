// Chooses a token from logits. One definition for the processor and for GPUs: weights of tokens are
// whole numbers, so that sums do not depend on their order and both choose the same.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace caldera::kernels {

/// The weight of the likeliest token; of others its 2^((logit - largest) * sharpness)-fold
/// (kernels/sample/weight.h). Lighter ones than 1 are never chosen.
inline constexpr int32_t kSampleUnit = 1 << 30;
inline constexpr int32_t kNoToken = -1;

/// How a token is chosen.
struct SampleChoice {
    float sharpness = 0;     ///< log2(e) / temperature; 0: the likeliest, of equals the first
    int32_t topK = 0;        ///< tokens that stay, likeliest first, of equals the first; 0: all
    double topP = 1;         ///< of those, as few as reach this share of their weight; at least one
    int32_t leastWeight = 1; ///< of those, the ones that weigh so much: 1 to kSampleUnit
    double penalty = 1;      ///< seen tokens' logits are divided by it, negative ones multiplied
    uint64_t random = 0;     ///< 64 random bits: the place in the weight of those that are left
};

/// What sampleToken() works in; keeping it saves taking memory anew.
class SampleWorkspace {
public:
    struct Candidate {
        int32_t token = 0;
        int32_t weight = 0;
    };
    std::vector<int32_t> weights; ///< by token
    std::vector<Candidate> candidates;
    std::vector<Candidate> ranked;
};

/// The token that `choice` takes from logits [vocabulary], in which the penalty changes those of
/// `seen` (distinct tokens; those beyond the vocabulary do not count). A NaN is never chosen.
/// kNoToken when the largest logit is not finite. Up to 2^23 tokens.
int32_t sampleToken(const SampleChoice& choice, std::span<const int32_t> seen,
                    std::span<float> logits, SampleWorkspace& workspace);

} // namespace caldera::kernels
