#include "core/runtime/token_chances.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace caldera {

TokenChances::TokenChances(std::span<const float> logits) : logits_(logits.begin(), logits.end()) {
    std::replace_if(
        logits_.begin(), logits_.end(), [](float logit) { return std::isnan(logit); },
        -std::numeric_limits<float>::infinity()); // never chosen, and cannot be ordered
    const double largest = *std::max_element(logits_.begin(), logits_.end());
    double sum = 0;
    for (const float logit : logits_) {
        sum += std::exp(logit - largest);
    }
    logSum_ = largest + std::log(sum);
}

float TokenChances::of(Token token) const {
    return static_cast<float>(logits_[static_cast<size_t>(token)] - logSum_);
}

std::vector<TokenChance> TokenChances::likeliest(int count) const {
    std::vector<Token> order(logits_.size());
    std::iota(order.begin(), order.end(), 0);
    const auto most = std::min<std::ptrdiff_t>(count, std::ssize(order));
    std::partial_sort(order.begin(), order.begin() + most, order.end(), [this](Token a, Token b) {
        const float first = logits_[static_cast<size_t>(a)];
        const float second = logits_[static_cast<size_t>(b)];
        return first > second || (first == second && a < b);
    });
    std::vector<TokenChance> chances;
    for (std::ptrdiff_t i = 0; i < most; ++i) {
        chances.push_back({order[static_cast<size_t>(i)], of(order[static_cast<size_t>(i)])});
    }
    return chances;
}

} // namespace caldera
