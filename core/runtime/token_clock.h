// Times of one answer.
#pragma once

#include <chrono>
#include <vector>

#include "core/runtime/engine.h"

namespace caldera {

/// Starts with the prompt; told when it is done and when each token comes.
class TokenClock {
public:
    TokenClock() : start_(Clock::now()) {}
    void promptDone() { promptDone_ = Clock::now(); }
    void tokenDone() { tokens_.push_back(Clock::now()); }
    /// Fills the times and counts that it knows; promptTokens and reusedTokens are read.
    void report(GenerationStatistics& statistics) const;

private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point start_;
    Clock::time_point promptDone_{};
    std::vector<Clock::time_point> tokens_;
};

} // namespace caldera
