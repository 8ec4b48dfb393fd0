// What those who ask do: they come in, wait for tokens, take them and leave.
#include <chrono>
#include <string>
#include <utility>

#include "core/base/error.h"
#include "core/runtime/scheduler_answer.h"

namespace caldera {

void Scheduler::check(std::span<const Token> prompt, std::span<const Token> forced) const {
    if (prompt.empty()) {
        throw Error("engine.prompt-empty", "The prompt has no token; at least one is needed.");
    }
    const size_t run = prompt.size() + (forced.empty() ? 0 : forced.size() - 1);
    if (run > static_cast<size_t>(contextLength())) {
        const std::string needed = std::to_string(run);
        const std::string context = std::to_string(contextLength());
        throw Error("engine.context-full",
                    "The conversation has " + needed + " tokens, more than the context of " +
                        context + ". Shorten it, or start with a larger context.",
                    {{"tokens", needed}, {"context", context}});
    }
    const auto requireKnown = [](std::span<const Token> tokens, int vocabulary) {
        for (const Token token : tokens) {
            if (token < 0 || token >= vocabulary) {
                throw Error("engine.token",
                            "Token " + std::to_string(token) + " is not in the vocabulary of " +
                                std::to_string(vocabulary) +
                                " tokens; the tokenizer does not belong to this model.",
                            {{"token", std::to_string(token)}});
            }
        }
    };
    requireKnown(prompt, backend_->artifact().config().vocabSize);
    requireKnown(forced, vocabulary_); // padding rows have no probability
}

FinishReason Scheduler::generate(std::span<const Token> prompt, std::span<const Token> stop,
                                 const SamplingOptions& options, const OnToken& onToken,
                                 GenerationStatistics& statistics, const std::stop_token& cancel) {
    check(prompt, options.forced);
    Answer answer(prompt, stop, options, cancel);
    // The last token that is chosen is never run.
    const int64_t wanted = options.forced.empty() ? options.maxTokens : std::ssize(options.forced);
    answer.most = std::min<int64_t>(contextLength(), std::ssize(prompt) + wanted - 1);
    statistics = {};
    enter(answer);
    int delivered = 0;
    const bool isWanted = deliver(answer, [&](const GeneratedToken& token) {
        ++delivered;
        return onToken(token);
    });
    statistics.promptTokens = static_cast<int>(prompt.size());
    statistics.reusedTokens = answer.reused;
    statistics.generatedTokens = delivered;
    statistics.weightBytes = memory_.weightBytes;
    statistics.cacheBytes = answer.length * memory_.cacheTokenBytes;
    statistics.deviceBytes = memory_.deviceBytes;
    answer.clock.report(statistics);
    if (!isWanted) {
        return FinishReason::Stop;
    }
    if (cancel.stop_requested()) {
        return FinishReason::Cancelled;
    }
    if (answer.failure) {
        std::rethrow_exception(answer.failure);
    }
    return answer.reason;
}

void Scheduler::enter(Answer& answer) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(&answer);
    changed_.notify_one();
}

bool Scheduler::deliver(Answer& answer, const OnToken& onToken) {
    bool isWanted = true;
    std::vector<GeneratedToken> tokens;
    try {
        while (receive(answer, tokens)) {
            for (const GeneratedToken& token : tokens) {
                isWanted = isWanted && (answer.cancel.stop_requested() || onToken(token));
            }
            if (!isWanted) {
                dismiss(answer);
            }
        }
    } catch (...) {
        dismiss(answer);
        while (receive(answer, tokens)) {
        }
        throw;
    }
    return isWanted;
}

void Scheduler::rest(Answer& answer, std::unique_lock<std::mutex>& lock) {
    if (answer.handOver == Answer::Clock::duration::zero()) {
        return;
    }
    answer.isResting = true;
    answer.changed.wait_until(lock, answer.cancel, answer.due, [&answer] { return answer.isOver; });
    answer.isResting = false;
}

bool Scheduler::receive(Answer& answer, std::vector<GeneratedToken>& tokens) {
    std::unique_lock lock(mutex_);
    rest(answer, lock);
    const auto hasNews = [&answer] { return !answer.unseen.empty() || answer.isOver; };
    // A round may take long, so who still waits leaves without the scheduler.
    if (!answer.changed.wait(lock, answer.cancel, hasNews) && std::erase(waiting_, &answer) > 0) {
        finish(answer, FinishReason::Cancelled);
    }
    answer.changed.wait(lock, hasNews);
    tokens = std::exchange(answer.unseen, {});
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
        tokens[i].isFollowed = true;
    }
    answer.due = Answer::Clock::now() + answer.handOver;
    return !tokens.empty();
}

void Scheduler::dismiss(Answer& answer) {
    const std::lock_guard lock(mutex_);
    answer.isDismissed = true;
}

} // namespace caldera
