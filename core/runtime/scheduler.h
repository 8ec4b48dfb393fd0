// Several answers at once from one backend.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/runtime/backend.h"
#include "core/runtime/engine.h"
#include "core/runtime/slot_pool.h"
#include "core/runtime/token_chances.h"

namespace caldera {

/// Works in rounds, on a thread of its own: whoever waits and finds a slot and room is let in, in
/// the order of arrival; one answer's prompt grows by one batch; every answer whose prompt is done
/// gets its next token, all in one step. So no answer waits longer for a token than one batch of a
/// prompt takes. A failure of the backend ends the answers that it was computing for.
class Scheduler : public Engine {
public:
    explicit Scheduler(std::unique_ptr<Backend> backend);
    ~Scheduler() override = default;
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    const Artifact& artifact() const override { return backend_->artifact(); }
    int contextLength() const override;
    EngineStatistics statistics() const override;
    FinishReason generate(std::span<const Token> prompt, std::span<const Token> stop,
                          const SamplingOptions& options, const OnToken& onToken,
                          GenerationStatistics& statistics, const std::stop_token& cancel) override;
    bool swapCells(std::span<const CellSwap> swaps, const std::stop_token& cancel) override;

private:
    struct Answer;
    /// One exchange of weights. It lives on its caller's stack, until it is over.
    struct Exchange {
        std::span<const CellSwap> swaps;
        bool isOver = false;
        std::exception_ptr failure;
    };

    // On the calling threads.
    void check(std::span<const Token> prompt, std::span<const Token> forced) const;
    void enter(Answer& answer);
    /// Waits for tokens that nobody has seen; false when there are none and none will come.
    bool receive(Answer& answer, std::vector<GeneratedToken>& tokens);
    /// Until tokens may be handed over again, or the answer is over. `lock` holds `mutex_`.
    static void rest(Answer& answer, std::unique_lock<std::mutex>& lock);
    /// Hands tokens to the caller until the answer is over; false when the caller wants no more.
    bool deliver(Answer& answer, const OnToken& onToken);
    void dismiss(Answer& answer);

    // On the scheduler's thread.
    void work(const std::stop_token& end);
    bool waitForWork(const std::stop_token& end);
    void endDismissed();
    /// Makes the exchange that waits, when no answer is being made.
    void exchange();
    void admit();
    void readPrompt();
    void stepAll();
    /// Asks the backend for the next token of each answer that has a row of logits.
    void chooseAll(std::span<Answer* const> answers);
    /// What each answer that wants chances has in its row of logits; others have none.
    std::vector<std::optional<TokenChances>> chancesOf(std::span<Answer* const> answers);
    void take(Answer& answer, GeneratedToken token);
    void fail(Answer& answer, const std::exception_ptr& failure);
    void failAll(std::span<Answer* const> answers);
    void end(Answer& answer, FinishReason reason);

    /// `mutex_` is held.
    void finish(Answer& answer, FinishReason reason);

    std::unique_ptr<Backend> backend_;
    BackendMemory memory_;
    int vocabulary_; ///< rows of the head beyond it are padding
    SlotPool slots_; ///< the scheduler's thread alone

    mutable std::mutex mutex_;
    std::condition_variable_any changed_; ///< someone waits
    std::deque<Answer*> waiting_;         ///< by arrival
    std::deque<Exchange*> exchanges_;     ///< while there are any, no answer is let in
    std::condition_variable_any exchanged_;
    /// Changed by the scheduler's thread alone. Whose prompt was read last is last.
    std::vector<Answer*> running_;
    EngineStatistics totals_; ///< what is summed up, and usedTokens

    std::jthread thread_; ///< last: it ends first
};

} // namespace caldera
