// An engine whose answers are written by the test, over a real artifact.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/runtime/engine.h"

namespace caldera::test {

/// Says `text`, one token at a time, to any number of callers at once.
class ScriptedEngine : public Engine {
public:
    ScriptedEngine(std::shared_ptr<const Artifact> artifact, const std::string& text)
        : artifact_(std::move(artifact)), answer_(artifact_->tokenizer()->encode(text)) {}

    /// After the first token the engine waits until it is released or cancelled.
    void holdAfterFirstToken() { isHeld_ = true; }
    void release() {
        const std::lock_guard lock(mutex_);
        isHeld_ = false;
        changed_.notify_all();
    }
    /// So many tokens are handed over at once.
    int together = 1;
    /// Before each answer this is called; it may throw.
    std::function<void()> beforeAnswer;

    /// Waits until `count` answers have said their first token, or ended; false after ten seconds.
    bool waitForBegun(int count) { return waitFor(begun_, count); }
    bool waitForEnded(int count) { return waitFor(ended_, count); }

    /// By answer: how it ended, what was asked, how many tokens were taken.
    struct Record {
        FinishReason reason = FinishReason::Stop;
        std::string prompt;
        SamplingOptions options;
        int tokens = 0;
    };
    std::vector<Record> records() {
        const std::lock_guard lock(mutex_);
        return records_;
    }

    const Artifact& artifact() const override { return *artifact_; }
    int contextLength() const override { return 256; }
    EngineStatistics statistics() const override {
        EngineStatistics result;
        result.chats = 1;
        result.running = active_;
        return result;
    }

    FinishReason generate(std::span<const Token> prompt, std::span<const Token>,
                          const SamplingOptions& options, const OnToken& onToken,
                          GenerationStatistics& statistics,
                          const std::stop_token& cancel) override {
        ++active_;
        Record record;
        record.prompt = artifact_->tokenizer()->decode(prompt, false);
        record.options = options;
        if (beforeAnswer) {
            try {
                beforeAnswer();
            } catch (...) {
                --active_;
                throw;
            }
        }
        record.reason = say(onToken, options.maxTokens, record.tokens, cancel);
        statistics = {};
        statistics.promptTokens = static_cast<int>(prompt.size());
        statistics.generatedTokens = record.tokens;
        statistics.tokensPerSecond = 12.5;
        {
            const std::lock_guard lock(mutex_);
            records_.push_back(record);
        }
        --active_;
        count(ended_);
        return record.reason;
    }

    bool swapCells(std::span<const CellSwap> swaps, const std::stop_token&) override {
        swapped_ += static_cast<int>(swaps.size());
        return true;
    }

private:
    FinishReason say(const OnToken& onToken, int most, int& tokens, const std::stop_token& cancel) {
        for (const Token token : answer_) {
            if (tokens == most) {
                return FinishReason::Length;
            }
            GeneratedToken given(token);
            given.isFollowed = ++tokens % together != 0 && tokens < std::ssize(answer_);
            if (!onToken(given)) {
                return FinishReason::Stop;
            }
            if (tokens == 1) {
                count(begun_);
            }
            std::unique_lock lock(mutex_);
            changed_.wait(lock, cancel, [this] { return !isHeld_; });
            if (cancel.stop_requested()) {
                return FinishReason::Cancelled;
            }
        }
        return FinishReason::Stop;
    }
    void count(int& what) {
        const std::lock_guard lock(mutex_);
        ++what;
        changed_.notify_all();
    }
    bool waitFor(const int& what, int wanted) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return what >= wanted; });
    }

    std::shared_ptr<const Artifact> artifact_;
    std::vector<Token> answer_;
    std::atomic<int> swapped_ = 0;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool isHeld_ = false;
    int begun_ = 0;
    int ended_ = 0;
    std::atomic<int> active_{0};
    std::vector<Record> records_;
};

} // namespace caldera::test
