// An answer in the making, as its caller and the scheduler's thread share it.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <vector>

#include "core/runtime/sampler.h"
#include "core/runtime/scheduler.h"
#include "core/runtime/token_clock.h"

namespace caldera {

/// One answer in the making. It lives on its caller's stack, until it is over.
struct Scheduler::Answer {
    using Clock = std::chrono::steady_clock;

    Answer(std::span<const Token> prompt, std::span<const Token> stopTokens,
           const SamplingOptions& options, const std::stop_token& stopToken)
        : tokens(prompt.begin(), prompt.end()), stop(stopTokens), sampler(options),
          cancel(stopToken), likeliest(options.likeliest), forced(options.forced),
          handOver(std::chrono::duration_cast<Clock::duration>(
              std::chrono::duration<double>(options.handOver))) {}

    /// The token that comes in the place of the one that the model chose.
    Token next(Token chosen) const {
        return forced.empty() ? chosen : forced[static_cast<size_t>(taken)];
    }
    bool endsWith(Token token) const {
        return forced.empty() && std::find(stop.begin(), stop.end(), token) != stop.end();
    }

    // The scheduler's alone, until it is over.
    std::vector<Token> tokens; ///< the prompt, then what was chosen
    std::span<const Token> stop;
    Sampler sampler;
    TokenClock clock;
    int64_t most = 0; ///< tokens that the slot may get
    int slot = -1;
    int reused = 0;
    int length = 0; ///< of the slot, at the end
    bool isPromptDone = false;

    int64_t taken = 0; ///< tokens of the answer

    std::stop_token cancel;
    int likeliest;
    std::span<const Token> forced;

    Clock::duration handOver; ///< least time between two times that tokens are handed over
    Clock::time_point due{};  ///< when they may be again; the caller's alone

    // With the scheduler's mutex.
    std::condition_variable_any changed;
    bool isResting = false;             ///< the caller wants no tokens yet
    std::vector<GeneratedToken> unseen; ///< by the caller
    bool isDismissed = false;
    bool isOver = false;
    FinishReason reason = FinishReason::Cancelled;
    std::exception_ptr failure;
};

} // namespace caldera
