// Times of one answer.
#pragma once

#include <chrono>
#include <vector>

#include "core/runtime/engine.h"

namespace caldera {

/// Starts when the answer is asked for; told when its prompt begins, when that is done, and when
/// each token comes.
class TokenClock {
public:
    TokenClock() : asked_(Clock::now()) {}
    void promptBegun() { promptBegun_ = Clock::now(); }
    void promptDone() { promptDone_ = Clock::now(); }
    void tokenDone() { tokens_.push_back(Clock::now()); }
    /// Fills the times that it knows, of as many tokens as statistics.generatedTokens; promptTokens
    /// and reusedTokens are read.
    void report(GenerationStatistics& statistics) const;

private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point asked_;
    Clock::time_point promptBegun_{};
    Clock::time_point promptDone_{};
    std::vector<Clock::time_point> tokens_;
};

} // namespace caldera
