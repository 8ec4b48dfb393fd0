#include "core/runtime/token_clock.h"

#include <algorithm>
#include <span>

#include "core/base/median.h"

namespace caldera {

namespace {

double seconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

} // namespace

void TokenClock::report(GenerationStatistics& statistics) const {
    const auto tokens = std::span(tokens_).first(static_cast<size_t>(statistics.generatedTokens));
    if (tokens.empty()) {
        return;
    }
    statistics.timeToFirstToken = seconds(tokens.front() - asked_);
    const double promptSeconds = seconds(promptDone_ - promptBegun_);
    if (promptSeconds > 0) {
        statistics.promptTokensPerSecond =
            (statistics.promptTokens - statistics.reusedTokens) / promptSeconds;
    }
    std::vector<double> gaps;
    for (size_t i = 1; i < tokens.size(); ++i) {
        gaps.push_back(seconds(tokens[i] - tokens[i - 1]));
    }
    if (gaps.empty()) {
        return;
    }
    const double total = seconds(tokens.back() - tokens.front());
    statistics.tokensPerSecond = total > 0 ? static_cast<double>(gaps.size()) / total : 0;
    std::sort(gaps.begin(), gaps.end());
    statistics.p50 = percentile(gaps, 0.50);
    statistics.p95 = percentile(gaps, 0.95);
    statistics.p99 = percentile(gaps, 0.99);
}

} // namespace caldera
