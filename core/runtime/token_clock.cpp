#include "core/runtime/token_clock.h"

#include <algorithm>
#include <cmath>

namespace caldera {

namespace {

double seconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

/// Nearest rank; `sorted` is not empty.
double percentile(const std::vector<double>& sorted, double share) {
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    return sorted[std::max<size_t>(rank, 1) - 1];
}

} // namespace

void TokenClock::report(GenerationStatistics& statistics) const {
    statistics.generatedTokens = static_cast<int>(tokens_.size());
    if (tokens_.empty()) {
        return;
    }
    statistics.timeToFirstToken = seconds(tokens_.front() - start_);
    const double promptSeconds = seconds(promptDone_ - start_);
    if (promptSeconds > 0) {
        statistics.promptTokensPerSecond =
            (statistics.promptTokens - statistics.reusedTokens) / promptSeconds;
    }
    std::vector<double> gaps;
    for (size_t i = 1; i < tokens_.size(); ++i) {
        gaps.push_back(seconds(tokens_[i] - tokens_[i - 1]));
    }
    if (gaps.empty()) {
        return;
    }
    const double total = seconds(tokens_.back() - tokens_.front());
    statistics.tokensPerSecond = total > 0 ? static_cast<double>(gaps.size()) / total : 0;
    std::sort(gaps.begin(), gaps.end());
    statistics.p50 = percentile(gaps, 0.50);
    statistics.p95 = percentile(gaps, 0.95);
    statistics.p99 = percentile(gaps, 0.99);
}

} // namespace caldera
