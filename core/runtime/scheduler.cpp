#include "core/runtime/scheduler.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/runtime/scheduler_answer.h"

namespace caldera {

namespace {

std::exception_ptr noFiniteLogit() {
    return std::make_exception_ptr(Error(
        "engine.logits",
        "The largest of the model's logits is no finite number, so there is no next token. The "
        "artifact is damaged or was compressed from a broken model; evaluate it to see where."));
}

} // namespace

Scheduler::Scheduler(std::unique_ptr<Backend> backend)
    : backend_(std::move(backend)), memory_(backend_->memory()),
      vocabulary_(choosableTokens(backend_->artifact())), slots_(*backend_),
      thread_([this](const std::stop_token& end) { work(end); }) {}

int Scheduler::contextLength() const {
    return static_cast<int>(std::min<int64_t>(backend_->contextLength(), backend_->poolTokens()));
}

EngineStatistics Scheduler::statistics() const {
    const std::lock_guard lock(mutex_);
    EngineStatistics result = totals_;
    result.chats = backend_->slots();
    result.running = static_cast<int>(running_.size());
    result.waiting = static_cast<int>(waiting_.size());
    result.poolTokens = backend_->poolTokens();
    result.weightBytes = memory_.weightBytes;
    result.cacheBytes = result.usedTokens * memory_.cacheTokenBytes;
    result.deviceBytes = memory_.deviceBytes;
    return result;
}

void Scheduler::work(const std::stop_token& end) {
    while (waitForWork(end)) {
        const auto start = std::chrono::steady_clock::now();
        endDismissed();
        exchange();
        admit();
        readPrompt();
        stepAll();
        const std::lock_guard lock(mutex_);
        totals_.busySeconds += secondsSince(start);
    }
}

bool Scheduler::waitForWork(const std::stop_token& end) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, end,
                  [this] { return !waiting_.empty() || !running_.empty() || !exchanges_.empty(); });
    return !end.stop_requested();
}

void Scheduler::endDismissed() {
    std::vector<Answer*> ending;
    {
        const std::lock_guard lock(mutex_);
        std::copy_if(running_.begin(), running_.end(), std::back_inserter(ending),
                     [](const Answer* answer) {
                         return answer->isDismissed || answer->cancel.stop_requested();
                     });
    }
    for (Answer* answer : ending) {
        end(*answer, FinishReason::Cancelled);
    }
}

void Scheduler::admit() {
    const std::lock_guard lock(mutex_); // who waits may leave at any time
    while (!waiting_.empty() && exchanges_.empty()) {
        Answer& answer = *waiting_.front();
        const auto slot = slots_.take(answer.tokens, answer.most);
        if (!slot) {
            return;
        }
        answer.slot = *slot;
        answer.reused = slots_.length(*slot);
        answer.clock.promptBegun();
        waiting_.pop_front();
        running_.push_back(&answer);
        totals_.usedTokens = slots_.usedTokens();
    }
}

/// One batch of the prompt whose turn is longest ago.
void Scheduler::readPrompt() {
    const auto next = std::find_if(running_.begin(), running_.end(),
                                   [](const Answer* answer) { return !answer->isPromptDone; });
    if (next == running_.end()) {
        return;
    }
    Answer& answer = **next;
    std::rotate(next, next + 1, running_.end());
    const auto rest =
        std::span(answer.tokens).subspan(static_cast<size_t>(slots_.length(answer.slot)));
    const auto batch =
        rest.first(std::min(rest.size(), static_cast<size_t>(backend_->promptBatch())));
    const bool isLast = batch.size() == rest.size();
    try {
        backend_->append(answer.slot, batch, isLast, answer.cancel);
    } catch (const Cancelled&) {
        end(answer, FinishReason::Cancelled);
        return;
    } catch (...) {
        fail(answer, std::current_exception());
        return;
    }
    slots_.append(answer.slot, batch);
    {
        const std::lock_guard lock(mutex_);
        totals_.promptTokens += std::ssize(batch);
    }
    if (isLast) {
        answer.isPromptDone = true;
        answer.clock.promptDone();
        Answer* const one = &answer;
        chooseAll({&one, 1});
    }
}

void Scheduler::stepAll() {
    std::vector<Answer*> stepping;
    std::copy_if(running_.begin(), running_.end(), std::back_inserter(stepping),
                 [](const Answer* answer) { return answer->isPromptDone; });
    if (stepping.empty()) {
        return;
    }
    std::vector<Backend::Next> next;
    next.reserve(stepping.size());
    for (const Answer* answer : stepping) {
        next.push_back({answer->slot, answer->tokens.back()});
    }
    try {
        backend_->step(next);
    } catch (...) {
        failAll(stepping);
        return;
    }
    for (const Backend::Next& each : next) {
        slots_.append(each.slot, {&each.token, 1});
    }
    chooseAll(stepping);
}

void Scheduler::chooseAll(std::span<Answer* const> answers) {
    std::vector<TokenChoice> choices;
    choices.reserve(answers.size());
    for (Answer* answer : answers) {
        choices.push_back(answer->sampler.next(answer->tokens));
    }
    std::span<const Token> tokens;
    std::vector<std::optional<TokenChances>> chances;
    try {
        chances = chancesOf(answers);
        tokens = backend_->choose(choices, vocabulary_);
    } catch (...) {
        failAll(answers);
        return;
    }
    for (size_t i = 0; i < answers.size(); ++i) {
        if (tokens[i] == kernels::kNoToken) {
            fail(*answers[i], noFiniteLogit());
            continue;
        }
        GeneratedToken token = answers[i]->next(tokens[i]);
        if (chances[i]) {
            token.logProbability = chances[i]->of(token);
            token.likeliest = chances[i]->likeliest(answers[i]->likeliest);
        }
        take(*answers[i], std::move(token));
    }
}

std::vector<std::optional<TokenChances>> Scheduler::chancesOf(std::span<Answer* const> answers) {
    std::vector<std::optional<TokenChances>> chances(answers.size());
    const auto stride = static_cast<size_t>(backend_->artifact().config().vocabSize);
    std::span<const float> logits; // of all answers: a GPU copies them whenever it is asked
    for (size_t i = 0; i < answers.size(); ++i) {
        if (answers[i]->likeliest >= 0) {
            logits = logits.empty() ? backend_->logits() : logits;
            chances[i].emplace(logits.subspan(i * stride, static_cast<size_t>(vocabulary_)));
        }
    }
    return chances;
}

/// The answer may be over after its next token.
void Scheduler::take(Answer& answer, GeneratedToken token) {
    if (answer.endsWith(token)) {
        end(answer, FinishReason::Stop);
        return;
    }
    answer.tokens.push_back(token);
    ++answer.taken;
    answer.clock.tokenDone();
    {
        const std::lock_guard lock(mutex_);
        ++totals_.generatedTokens;
        answer.unseen.push_back(std::move(token));
        if (!answer.isResting) {
            answer.changed.notify_all();
        }
    }
    if (slots_.length(answer.slot) == answer.most) {
        end(answer, FinishReason::Length);
    }
}

void Scheduler::fail(Answer& answer, const std::exception_ptr& failure) {
    answer.failure = failure;
    slots_.forget(answer.slot);
    end(answer, FinishReason::Cancelled);
}

/// With the exception that is being handled.
void Scheduler::failAll(std::span<Answer* const> answers) {
    for (Answer* answer : answers) {
        fail(*answer, std::current_exception());
    }
}

/// The caller may go on, and the answer be gone, as soon as this returns.
void Scheduler::end(Answer& answer, FinishReason reason) {
    answer.length = slots_.length(answer.slot);
    slots_.leave(answer.slot);
    const std::lock_guard lock(mutex_);
    std::erase(running_, &answer);
    totals_.usedTokens = slots_.usedTokens();
    finish(answer, reason);
}

void Scheduler::finish(Answer& answer, FinishReason reason) {
    answer.reason = reason;
    answer.isOver = true;
    answer.changed.notify_all();
}

} // namespace caldera
