#include "core/runtime/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "core/base/error.h"
#include "core/base/text.h"

namespace caldera {

namespace {

/// Sharper than this is greedy, and would leave the range of f32.
constexpr double kLeastTemperature = 1e-6;

void require(bool fine, const std::string& name, double value, const std::string& needed) {
    if (!fine) {
        throw Error("engine.sampling",
                    "Sampling got " + name + " = " + numberText(value) + "; it must be " + needed +
                        ".",
                    {{"name", name}, {"value", numberText(value)}, {"needed", needed}});
    }
}

void check(const SamplingOptions& options) {
    require(options.temperature >= 0 && std::isfinite(options.temperature), "temperature",
            options.temperature, "0 (greedy) or more");
    require(options.topP > 0 && options.topP <= 1, "top_p", options.topP, "above 0 and at most 1");
    require(options.topK >= 0, "top_k", options.topK, "0 (off) or more");
    require(options.minP >= 0 && options.minP <= 1, "min_p", options.minP, "from 0 (off) to 1");
    require(options.repetitionPenalty > 0 && std::isfinite(options.repetitionPenalty),
            "repetition_penalty", options.repetitionPenalty, "above 0 (1 is off)");
    require(options.maxTokens >= 1, "max_tokens", options.maxTokens, "1 or more");
}

/// Never 0, which would be greedy.
float sharpnessAt(double temperature) {
    const double sharpness = std::numbers::log2e / std::max(temperature, kLeastTemperature);
    return std::max(static_cast<float>(sharpness), std::numeric_limits<float>::min());
}

kernels::SampleChoice choiceOf(const SamplingOptions& options) {
    kernels::SampleChoice choice;
    choice.sharpness = options.temperature == 0 ? 0 : sharpnessAt(options.temperature);
    choice.topK = options.topK;
    choice.topP = options.topP;
    choice.leastWeight =
        std::max(1, static_cast<int>(std::ceil(options.minP * kernels::kSampleUnit)));
    choice.penalty = options.repetitionPenalty;
    return choice;
}

} // namespace

Sampler::Sampler(const SamplingOptions& options) : random_(options.seed) {
    check(options);
    choice_ = choiceOf(options);
}

TokenChoice Sampler::next(std::span<const Token> history) {
    if (choice_.penalty != 1) {
        note(history);
    }
    choice_.random = choice_.sharpness > 0 ? random_() : 0;
    return {choice_, seenInOrder_};
}

void Sampler::note(std::span<const Token> history) {
    for (const Token token : history.subspan(notedTokens_)) {
        if (seen_.insert(token).second) {
            seenInOrder_.push_back(token);
        }
    }
    notedTokens_ = history.size();
}

} // namespace caldera
